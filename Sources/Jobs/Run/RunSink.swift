import Robustness
import Training

/// Where a run tells what happens. Called from the run's thread and, during the evaluation, from the engine's.
package struct RunSink: Sendable {
  /// Some times a second at most, and at each change of phase or epoch.
  package var progress: @Sendable (JobProgress) -> Void
  package var metrics: @Sendable (TrainingMetrics) -> Void
  package var warning: @Sendable (Warning) -> Void
  package var checkpoint: @Sendable (Checkpoint) -> Void

  package init(
    progress: @escaping @Sendable (JobProgress) -> Void = { _ in }, metrics: @escaping @Sendable (TrainingMetrics) -> Void = { _ in },
    warning: @escaping @Sendable (Warning) -> Void = { _ in }, checkpoint: @escaping @Sendable (Checkpoint) -> Void = { _ in }
  ) {
    self.progress = progress
    self.metrics = metrics
    self.warning = warning
    self.checkpoint = checkpoint
  }
}
