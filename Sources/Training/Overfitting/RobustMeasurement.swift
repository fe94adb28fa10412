/// One reading of robust accuracy, on examples that are the same each time.
package struct RobustMeasurement: Hashable, Sendable, Codable {
  /// In [0, 1].
  package let accuracy: Double
  /// The examples that it was measured on, at least 1.
  package let count: Int
  /// What a constant answer reaches on them: the share of the largest class.
  package let chance: Double

  package init(accuracy: Double, count: Int, chance: Double) {
    self.accuracy = accuracy
    self.count = max(count, 1)
    self.chance = chance
  }

  /// Three standard deviations of the difference of two such readings when nothing has changed: a larger one is no accident.
  package var noise: Double { 3 * (2 * accuracy * (1 - accuracy) / Double(count)).squareRoot() }

  /// Below this there is nothing to lose: a network that has not begun to learn wanders about chance.
  var learntBar: Double { chance + 0.1 * (1 - chance) }

  /// The highest accuracy that may still be chance: three standard deviations above what a constant answer reaches.
  package var chanceBar: Double { chance + 3 * (chance * (1 - chance) / Double(count)).squareRoot() }

  /// Whether a constant answer could be as good.
  var isAtChance: Bool { accuracy <= chanceBar }
}
