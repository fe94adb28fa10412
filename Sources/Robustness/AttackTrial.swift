import Attacks

/// What one attack did to one set of examples: what the diagnostics look at.
package struct AttackTrial: Sendable {
  package var settings: AttackSettings
  package var threat: Threat
  /// By example: predicted rightly, clean and under this attack.
  package var withstood: [Bool]
  /// Examples that withstood though their gradient at a start was zero: the attack stood still.
  package var zeroGradients: Int
  /// Examples whose gradient at a start was NaN or infinite.
  package var brokenGradients: Int
  /// Examples for which the attack returned an image outside ball or box.
  package var breaches: Int
  /// Examples that fell and were predicted otherwise when predicted again.
  package var unrepeatable: Int
  package var cost: AttackCost
  /// How far the misclassified images lie that a minimal-distance attack found, in any order.
  package private(set) var distances: [Double] = []
  package var seconds: Double

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

  package var accuracy: Proportion { Proportion(withstood) }

  /// Adds what became of the examples at `positions`.
  mutating func add(_ shard: ShardRecord, at positions: [Int]) {
    for (position, outcome) in zip(positions, shard.withstood) { withstood[position] = outcome }
    zeroGradients += shard.zeroGradients
    brokenGradients += shard.brokenGradients
    breaches += shard.breaches
    unrepeatable += shard.unrepeatable
    cost += shard.cost
    distances += shard.distances.compactMap { $0 }
  }
}
