import Robustness
import Training

/// The closures that a run reports to. They are called on the run's thread and, during the evaluation, on the engine's threads.
///
/// A resumed run first reports the metrics, checkpoints and warnings of its saved state again.
package struct RunSink: Sendable {
  /// At most once a second, and when the evaluation begins.
  package var progress: @Sendable (JobProgress) -> Void
  package var metrics: @Sendable (TrainingMetrics) -> Void
  package var warning: @Sendable (Warning) -> Void
  /// Training begins again at its first epoch; the metrics told so far are of weights that are given up.
  package var beganAgain: @Sendable () -> Void
  package var checkpoint: @Sendable (Checkpoint) -> Void
  /// After each saved state, on any thread, about once a second.
  package var saved: @Sendable (SavedState) -> Void

  package init(
    progress: @escaping @Sendable (JobProgress) -> Void = { _ in }, metrics: @escaping @Sendable (TrainingMetrics) -> Void = { _ in },
    warning: @escaping @Sendable (Warning) -> Void = { _ in }, beganAgain: @escaping @Sendable () -> Void = {},
    checkpoint: @escaping @Sendable (Checkpoint) -> Void = { _ in },
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
