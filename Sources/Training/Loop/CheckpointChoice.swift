/// Whether an epoch takes the place of the best one so far.
package struct CheckpointChoice: Sendable {
  /// Robust accuracy up to here says nothing: see `RobustMeasurement.chanceBar`.
  private let chanceBar: Double

  /// - Parameters:
  ///   - chance: what a constant answer reaches on the examples that are attacked.
  ///   - count: how many these are.
  package init(chance: Double, count: Int) { chanceBar = RobustMeasurement(accuracy: 0, count: count, chance: chance).chanceBar }

  /// Compares by the figure of the role; of equals the one that is better by the other figure, and then the later one, which has learnt
  /// longer: on a small validation part ties are common.
  ///
  /// - Returns: false as well when nothing was measured.
  package func isBetter(_ candidate: TrainingMetrics, than best: TrainingMetrics?, for role: CheckpointRole) -> Bool {
    guard let new = standing(candidate, role) else { return false }
    guard let best, let old = standing(best, role) else { return true }
    return (new.rank, new.figure, new.other) >= (old.rank, old.figure, old.other)
  }

  /// Whether the figure of the role itself has risen.
  package func improves(_ candidate: TrainingMetrics, on best: TrainingMetrics?, for role: CheckpointRole) -> Bool {
    guard let new = standing(candidate, role) else { return false }
    guard let best, let old = standing(best, role) else { return true }
    return (new.rank, new.figure) > (old.rank, old.figure)
  }

  private struct Standing {
    /// Higher ranks go first, whatever their figures.
    var rank = 0
    let figure: Double
    let other: Double
  }

  /// By robust accuracy alone a network that always names the largest class would win over each that only fails under attack. So those
  /// above chance go before the others; and among the others the sum of both accuracies decides, which a constant network has at its least.
  private func standing(_ metrics: TrainingMetrics, _ role: CheckpointRole) -> Standing? {
    guard let clean = metrics.validationCleanAccuracy, let robust = metrics.validationRobustAccuracy else { return nil }
    if role == .bestClean { return Standing(figure: clean, other: robust) }
    return robust > chanceBar ? Standing(rank: 1, figure: robust, other: clean) : Standing(figure: clean + robust, other: robust)
  }
}
