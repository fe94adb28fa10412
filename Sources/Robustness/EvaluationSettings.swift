import Attacks
import TensorEngine

/// The settings of an evaluation.
package struct EvaluationSettings: Hashable, Sendable {
  package var attacks: [AttackSettings]
  /// The most examples to evaluate.
  package var samples: Int
  /// The epsilons of the accuracy curve, in any order; empty for no curve.
  package var curve: [Double]
  package var seed: UInt64
  /// Whether an attack with epsilon = 0 is run too, which must change nothing. Off for the quick measurements during training.
  package var selfCheck: Bool

  /// FGSM, and PGD with 40 steps from a random start.
  package static let standardAttacks = [AttackSettings(.fgsm), AttackSettings(.pgd, ["steps": 40])]

  package init(
    attacks: [AttackSettings] = Self.standardAttacks, samples: Int = 1000,
    curve: [Double] = [], seed: UInt64 = 0, selfCheck: Bool = true
  ) {
    self.attacks = attacks
    self.samples = samples
    self.curve = curve
    self.seed = seed
    self.selfCheck = selfCheck
  }

  /// The indices of the examples to evaluate, ascending: all of `available`, or `samples` of them drawn by the seed without replacement.
  package func sample(of available: Int) -> [Int] {
    guard samples < available else { return Array(0..<available) }
    var stream = RandomStream(seed: seed, purpose: .sample)
    return Array(0..<available).shuffled(using: &stream).prefix(max(samples, 0)).sorted()
  }

  /// The attack for the curve: the strongest of those configured, first by kind and then by its work; `nil` without attacks.
  package var strongest: AttackSettings? {
    func rank(_ attack: AttackSettings) -> (Int, Int) { (attack.definition.strength, attack.cost.gradientEvaluations) }
    return attacks.max { rank($0) < rank($1) }
  }
}
