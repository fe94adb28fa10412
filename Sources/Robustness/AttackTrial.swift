import Attacks

/// The result of one attack on one set of examples, as the diagnostics need it.
package struct AttackTrial: Sendable {
  package var settings: AttackSettings
  package var threat: Threat
  /// For each example, whether it is predicted correctly both clean and under this attack.
  package var withstood: [Bool]
  /// Examples that withstood and whose gradient was zero at a start, so that the attack could not move.
  package var zeroGradients: Int
  /// Examples whose gradient at a start was NaN or infinite.
  package var brokenGradients: Int
  /// Examples for which the attack returned an image outside the epsilon ball or outside [0, 1].
  package var breaches: Int
  /// Misclassified examples that were predicted differently when predicted again.
  package var unrepeatable: Int
  package var cost: AttackCost
  /// The number of examples that were attacked: those that are predicted correctly clean.
  package private(set) var attacked = 0
  /// How far the misclassified images lie that a minimal-distance attack found, in any order.
  package private(set) var distances: [Double] = []
  /// What each example is taken for that was attacked and did not withstand, by its position; −1 for an answer with a NaN.
  package private(set) var mistakes: [Int: Int] = [:]
  package var seconds: Double
  /// Of a sequence, its attacks in their order: each ran on what those before it left correct.
  package private(set) var parts: [AttackTrial] = []

  package init(
    settings: AttackSettings, threat: Threat, withstood: [Bool], zeroGradients: Int = 0, brokenGradients: Int = 0, breaches: Int = 0,
    unrepeatable: Int = 0, cost: AttackCost = AttackCost(), seconds: Double = 0
  ) {
    self.settings = settings
    self.threat = threat
    self.withstood = withstood
    self.zeroGradients = zeroGradients
    self.brokenGradients = brokenGradients
    self.breaches = breaches
    self.unrepeatable = unrepeatable
    self.cost = cost
    self.seconds = seconds
  }

  /// The trial of a sequence.
  ///
  /// - Parameter standing: for each example, whether it was correct before the first part.
  init(settings: AttackSettings, threat: Threat, standing: [Bool], parts: [AttackTrial]) {
    // What a gradient attack could not move at all may have fallen to another. What none could move is counted by each.
    let followers = parts.filter { $0.settings.definition.access == .gradients }
    self.init(
      settings: settings, threat: threat, withstood: parts.last?.withstood ?? standing,
      zeroGradients: followers.map(\.zeroGradients).min() ?? 0, brokenGradients: parts.map(\.brokenGradients).max() ?? 0,
      breaches: parts.reduce(0) { $0 + $1.breaches }, unrepeatable: parts.reduce(0) { $0 + $1.unrepeatable },
      cost: parts.reduce(into: AttackCost()) { $0 += $1.cost }, seconds: parts.reduce(0) { $0 + $1.seconds })
    self.parts = parts
    // A part attacks what those before it left, so an example is in one of them.
    mistakes = parts.reduce(into: [:]) { known, part in known.merge(part.mistakes) { first, _ in first } }
  }

  package var accuracy: Proportion { Proportion(withstood) }

  /// `nil` for an attack that does not look for the nearest misclassified image, and without examples.
  package var distanceSummary: DistanceSummary? {
    guard settings.definition.goal == .minimalDistance, !withstood.isEmpty else { return nil }
    return DistanceSummary(found: distances, misclassified: withstood.count - attacked, total: withstood.count)
  }

  /// Adds the results of the examples at `positions`.
  mutating func add(_ shard: ShardRecord, at positions: [Int]) {
    for (position, outcome) in zip(positions, shard.withstood) { withstood[position] = outcome }
    attacked += positions.count
    let fallen = zip(positions, shard.withstood).filter { !$1 }.map(\.0)
    if fallen.count == shard.mistakes.count { mistakes.merge(zip(fallen, shard.mistakes)) { _, new in new } }
    zeroGradients += shard.zeroGradients
    brokenGradients += shard.brokenGradients
    breaches += shard.breaches
    unrepeatable += shard.unrepeatable
    cost += shard.cost
    distances += shard.distances.compactMap { $0 }
  }
}
