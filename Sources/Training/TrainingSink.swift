import Robustness

/// Where a run tells what happens. Every closure is called on the thread that called `TrainingRun.run()`, and returns quickly.
///
/// What came after the last saved state comes again when a run that died is resumed: the same epoch with the same values.
package struct TrainingSink {
  package var progress: (TrainingProgress) -> Void
  /// After each epoch.
  package var metrics: (TrainingMetrics) -> Void
  package var warning: (Warning) -> Void
  /// After a checkpoint has been written, under its final name; the same role comes again when a better one has taken its place.
  package var checkpoint: (Checkpoint) -> Void

  package init(
    progress: @escaping (TrainingProgress) -> Void = { _ in }, metrics: @escaping (TrainingMetrics) -> Void = { _ in },
    warning: @escaping (Warning) -> Void = { _ in }, checkpoint: @escaping (Checkpoint) -> Void = { _ in }
  ) {
    self.progress = progress
    self.metrics = metrics
    self.warning = warning
    self.checkpoint = checkpoint
  }
}
