import Robustness
import Training

/// Where a run tells what happens. Called from the run's thread and, during the evaluation, from the engine's.
///
/// A run that is resumed tells again what its saved state holds: metrics, checkpoints and warnings that were told before.
package struct RunSink: Sendable {
  /// Some times a second at most, and at each change of phase or epoch.
  package var progress: @Sendable (JobProgress) -> Void
  package var metrics: @Sendable (TrainingMetrics) -> Void
  package var warning: @Sendable (Warning) -> Void
  package var checkpoint: @Sendable (Checkpoint) -> Void
  /// After each state that is durably on the disk, on any thread: about once a second.
  package var saved: @Sendable (SavedState) -> Void

  package init(
    progress: @escaping @Sendable (JobProgress) -> Void = { _ in }, metrics: @escaping @Sendable (TrainingMetrics) -> Void = { _ in },
    warning: @escaping @Sendable (Warning) -> Void = { _ in }, checkpoint: @escaping @Sendable (Checkpoint) -> Void = { _ in },
    saved: @escaping @Sendable (SavedState) -> Void = { _ in }
  ) {
    self.progress = progress
    self.metrics = metrics
    self.warning = warning
    self.checkpoint = checkpoint
    self.saved = saved
  }
}
