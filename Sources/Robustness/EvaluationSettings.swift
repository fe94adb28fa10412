import Attacks
import TensorEngine

/// The settings of an evaluation.
package struct EvaluationSettings: Hashable, Sendable {
  package var attacks: [AttackSettings]
  /// Threats to withstand beside the job's own.
  package var threats: [Threat]
  /// The most examples to evaluate.
  package var samples: Int
  /// The epsilons of the accuracy curve, in any order; empty for no curve.
  package var curve: [Double]
  /// The attack that the curve is measured with, at every epsilon alike.
  package var curveAttack: AttackSettings
  package var seed: UInt64
  /// Whether an attack with epsilon = 0 is run too, which must change nothing. Off for the quick measurements during training.
  package var selfCheck: Bool
  /// What is proved beside; `nil`: nothing.
  package var certificate: CertificateSettings?

  /// Auto-PGD on two losses, one of them targeted: the least that a verdict can rest on.
  package static let standardAttacks = [AttackSettings(.apgdCE), AttackSettings(.apgdT)]

  package init(
    attacks: [AttackSettings] = Self.standardAttacks, threats: [Threat] = [], samples: Int = 1000, curve: [Double] = [],
    curveAttack: AttackSettings = AttackSettings(.apgdCE), seed: UInt64 = 0, selfCheck: Bool = true,
    certificate: CertificateSettings? = nil
  ) {
    self.attacks = attacks
    self.threats = threats
    self.samples = samples
    self.curve = curve
    self.curveAttack = curveAttack
    self.seed = seed
    self.selfCheck = selfCheck
    self.certificate = certificate
  }

  /// The indices of the examples to evaluate, ascending: all of `available`, or `samples` of them drawn by the seed without replacement.
  package func sample(of available: Int) -> [Int] {
    guard samples < available else { return Array(0..<available) }
    var stream = RandomStream(seed: seed, purpose: .sample)
    return Array(0..<available).shuffled(using: &stream).prefix(max(samples, 0)).sorted()
  }

  /// The strongest of the attacks, first by kind and then by its work; `nil` without attacks.
  package var strongest: AttackSettings? {
    func rank(_ attack: AttackSettings) -> (Int, Int) { (attack.definition.strength, attack.cost.gradientEvaluations) }
    return attacks.max { rank($0) < rank($1) }
  }

  /// The epsilons of the curve that need an attack of their own, ascending. At epsilon 0 nothing moves, and at the job's own the curve's
  /// attack may be among the attacks, or begin one of them.
  package func attackedCurve(of threat: Threat) -> [Double] {
    let isRun = attacks.contains { ($0.parts(in: threat.norm)?.first ?? $0) == curveAttack }
    return Set(curve).filter { $0 > 0 && !($0 == threat.epsilon && isRun) }.sorted()
  }

  /// Every attack that an evaluation against `threat` runs on all its examples, with the norm it runs in; the self-check apart.
  package func runs(against threat: Threat) -> [(attack: AttackSettings, norm: Norm)] {
    let further = threats.flatMap { other in attacks.map { ($0.adapted(from: threat, to: other), other.norm) } }
    return attacks.map { ($0, threat.norm) } + further + attackedCurve(of: threat).map { _ in (curveAttack, threat.norm) }
  }
}
