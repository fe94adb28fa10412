import Robustness

/// Where a run tells what happens. Every closure but `saved` is called on the thread that called `TrainingRun.run()`, and returns quickly.
///
/// A run that is resumed tells again all that its saved state holds, in order, and then what came after that state: the same epoch with
/// the same values. Nothing is lost when a process dies between a file and whoever notes it.
package struct TrainingSink {
  package var progress: (TrainingProgress) -> Void
  /// After each epoch.
  package var metrics: (TrainingMetrics) -> Void
  package var warning: (Warning) -> Void
  /// The run begins again at its first epoch; the metrics told so far are of weights that are given up.
  package var beganAgain: () -> Void
  /// After a checkpoint has been written, under its final name; the same role comes again when a better one has taken its place.
  package var checkpoint: (Checkpoint) -> Void
  /// After each state that is durably on the disk. Called on any thread, one call at a time, and never after `run()` has returned.
  package var saved: @Sendable (SavedState) -> Void

  package init(
    progress: @escaping (TrainingProgress) -> Void = { _ in }, metrics: @escaping (TrainingMetrics) -> Void = { _ in },
    warning: @escaping (Warning) -> Void = { _ in }, beganAgain: @escaping () -> Void = {},
    checkpoint: @escaping (Checkpoint) -> Void = { _ in },
    saved: @escaping @Sendable (SavedState) -> Void = { _ in }
  ) {
    self.progress = progress
    self.metrics = metrics
    self.warning = warning
    self.beganAgain = beganAgain
    self.checkpoint = checkpoint
    self.saved = saved
  }
}
