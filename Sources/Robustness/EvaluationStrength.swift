import Attacks

/// Whether a verdict may rest on the examples that some attacks left standing.
package struct EvaluationStrength {
  private let attacks: [AttackSettings]

  package init(_ attacks: [AttackSettings]) { self.attacks = attacks }

  /// Whether an attack that carries a verdict ran to its full budget, alone or beside the other that it needs.
  package var isStrong: Bool {
    let complete = attacks.filter(\.hasFullBudget)
    return complete.contains { attack in
      switch attack.definition.support {
      case .none: false
      case .alone: true
      case .with(let other): complete.contains { $0.name == other }
      }
    }
  }

  /// What would make the evaluation strong, as a clause.
  package func advice(for norm: Norm) -> String {
    let started = attacks.filter { $0.definition.support != .none }.max { $0.definition.strength < $1.definition.strength }
    if let started, !started.hasFullBudget { return started.adviceForFullBudget }
    if let started, case .with(let other) = started.definition.support { return "add \(other) to evaluation.attacks" }
    let names = AttackCatalogue.all.filter { $0.support == .alone && $0.norms.contains(norm) }
      .sorted { $0.strength > $1.strength }.map(\.name)
    return "add \(names.joined(separator: " or ")) to evaluation.attacks"
  }
}

extension AttackSettings {
  /// What would give it its full budget, as a clause.
  var adviceForFullBudget: String {
    let bounds = shortfalls.map { "\($0.name) to \($0.default?.serialised() ?? "its default") or more" }
    return "raise \(bounds.joined(separator: " and ")) in \(name)"
  }
}

extension EvaluationSettings {
  /// Whether a gate on a robust accuracy can get a verdict from this evaluation.
  package var isStrong: Bool { EvaluationStrength(attacks).isStrong }

  /// The most passes that diagnostics may make, as a part of those of the evaluation itself: none where it is not strong, because it is
  /// inconclusive anyway.
  package var recheckShare: Double { selfCheck && isStrong ? 0.1 : 0 }
}

extension Evaluation {
  var strength: EvaluationStrength { EvaluationStrength(attacks.map(\.settings)) }
}
