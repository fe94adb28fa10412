/// Whether an epoch takes the place of the best one so far.
package enum CheckpointChoice {
  /// Compares by the figure of the role; of equals the one that is better by the other figure, and then the later one, which has learnt
  /// longer: on a small validation part ties are common.
  ///
  /// - Returns: false as well when nothing was measured.
  package static func isBetter(_ candidate: TrainingMetrics, than best: TrainingMetrics?, for role: CheckpointRole) -> Bool {
    guard let new = figures(candidate, role) else { return false }
    guard let best, let old = figures(best, role) else { return true }
    return new >= old
  }

  /// Whether the figure of the role itself has risen.
  package static func improves(_ candidate: TrainingMetrics, on best: TrainingMetrics?, for role: CheckpointRole) -> Bool {
    guard let new = figures(candidate, role) else { return false }
    guard let best, let old = figures(best, role) else { return true }
    return new.0 > old.0
  }

  private static func figures(_ metrics: TrainingMetrics, _ role: CheckpointRole) -> (Double, Double)? {
    guard let clean = metrics.validationCleanAccuracy, let robust = metrics.validationRobustAccuracy else { return nil }
    return role == .bestClean ? (clean, robust) : (robust, clean)
  }
}
