import Robustness

/// What a run leaves.
package struct TrainingOutcome {
  /// The model before adversarial training.
  package let base: TrainedModel
  /// The model that `TrainingSettings.select` chose: the result.
  package let selected: TrainedModel
  /// Every checkpoint that was kept, at most one for each role.
  package let checkpoints: [Checkpoint]
  /// One entry for each epoch, in order.
  package let history: [TrainingMetrics]
  package let warnings: [Warning]
  /// Wall time by phase, over all attempts.
  package let seconds: [TrainingPhase: Double]
  /// Why training ended before its last epoch, in a sentence; nil when it did not.
  package let stopReason: String?
}
