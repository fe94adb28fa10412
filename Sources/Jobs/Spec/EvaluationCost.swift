import Attacks
import Robustness
import TensorEngine

/// What the evaluations of a job ask of the network, at most: no example falls early, and before and after are two networks.
struct EvaluationCost: Hashable, Sendable {
  let gradientEvaluations: Double
  /// Passes through the network of single examples, forward or backward to the input.
  let passes: Double
  /// The examples that are attacked, those of before and after each for itself.
  let examples: Int

  /// - Parameter attacks: others than the spec's, for themselves, without a certificate.
  init(_ spec: JobSpec, _ facts: DatasetFacts, attacks: [AttackSettings]? = nil) {
    let settings = EvaluationSettings(
      attacks: attacks ?? spec.evaluation.attacks, threats: spec.evaluation.threats, curve: spec.evaluation.curve)
    let networks = spec.training == nil && spec.evaluation.baseline == nil ? 1 : 2
    examples = spec.generation?.count(facts, limit: spec.dataset.limit) ?? min(spec.evaluation.samples, facts.testCount) * networks
    let transferred: [(attack: AttackSettings, norm: Norm)] = spec.showsTransfer ? settings.attacks.map { ($0, spec.threat.norm) } : []
    let costs = (settings.runs(against: spec.threat) + transferred).map { attack, norm in attack.cost(in: norm) }
    gradientEvaluations = Double(examples) * costs.reduce(0) { $0 + Double($1.gradientEvaluations) }
    // Each example is looked at clean.
    let certified = attacks == nil ? spec.evaluation.certificate?.passes ?? 0 : 0
    passes = Double(examples) * costs.reduce(Double((spec.showsTransfer ? 2 : 1) + certified)) { $0 + Double($1.passes) }
  }
}
