import Attacks
import TensorEngine

/// What an evaluation does.
package struct EvaluationSettings: Hashable, Sendable {
  package var attacks: [AttackSettings]
  /// How many examples at most.
  package var samples: Int
  /// The epsilons of the curve of accuracy, in any order; empty for none.
  package var curve: [Double]
  package var seed: UInt64
  /// Whether the model is questioned once more at epsilon = 0, which must change nothing. Off for the quick looks during training.
  package var selfCheck: Bool

  /// A single step, and forty from a random start.
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

  /// Which of `available` examples are looked at: all, or `samples` of them drawn without replacement by the seed; ascending.
  package func sample(of available: Int) -> [Int] {
    guard samples < available else { return Array(0..<available) }
    var stream = RandomStream(seed: seed, purpose: .sample)
    return Array(0..<available).shuffled(using: &stream).prefix(max(samples, 0)).sorted()
  }

  /// The attack that draws the curve: the strongest of those configured, by kind first and then by its work; `nil` without attacks.
  package var strongest: AttackSettings? {
    func rank(_ attack: AttackSettings) -> (Int, Int) { (attack.definition.strength, attack.cost.gradientEvaluations) }
    return attacks.max { rank($0) < rank($1) }
  }
}
