/// Watches whether a run learns anything at all.
///
/// Too high a rate, or too strong an attack from the first update, leaves a network that gives every image the same answer, and no further
/// epoch brings it back. Adversarial training may also stay at chance for a while before it begins to learn, so the watch waits for a tenth
/// of the stage, and for 200 updates, before it says anything.
struct LearningWatch: Hashable, Sendable, Codable {
  /// The predictions of the training examples of the present window of updates.
  private var window = EpochTally()
  private var updatesInWindow = 0
  /// Updates in a row whose windows were at chance.
  private(set) var updatesAtChance = 0

  private static let windowLength = 50
  /// In fewer nothing needs to be learnt.
  static let fewestUpdates = 200
  private static let share = 0.1

  /// Takes in an update at a rate that can teach something: during a warm-up and at the end of a schedule nothing is expected.
  ///
  /// - Parameter chance: what a constant answer reaches on the examples that are trained on.
  mutating func observe(_ tally: EpochTally, chance: Double) {
    window += tally
    updatesInWindow += 1
    guard updatesInWindow == Self.windowLength else { return }
    updatesAtChance = window.isAtChance(chance) ? updatesAtChance + updatesInWindow : 0
    (window, updatesInWindow) = (EpochTally(), 0)
  }

  /// Whether it is time to look at the network itself.
  ///
  /// - Parameter updates: those of the whole stage.
  func isSuspicious(ofStageWith updates: Int) -> Bool {
    updatesAtChance >= max(Self.fewestUpdates, Int(Self.share * Double(updates)))
  }
}

extension EpochTally {
  /// Whether examples of either kind are predicted no better than by a constant answer.
  fileprivate func isAtChance(_ chance: Double) -> Bool {
    [clean, adversarial].allSatisfy { count in
      count.accuracy.map { RobustMeasurement(accuracy: $0, count: count.all, chance: chance).isAtChance } ?? true
    }
  }
}
