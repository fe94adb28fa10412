import Attacks

/// Settings that make a robust accuracy less meaningful than it seems.
extension Warning {
  /// The evaluation's attacks are not stronger than the training's.
  ///
  /// - Parameter training: the attack of the training; `nil` for standard training.
  package static func evaluationNotStronger(training: AttackSettings?, evaluation: [AttackSettings], norm: Norm) -> Warning? {
    guard let training, training.cost.gradientEvaluations > 0 else { return nil }
    let most = evaluation.map(\.cost.gradientEvaluations).max() ?? 0
    guard most <= training.cost.gradientEvaluations else { return nil }
    return Warning(
      code: "evaluation_not_stronger",
      detail: """
        The model was trained on \(training.label) (gradient evaluations per example: \(training.cost.gradientEvaluations)) and evaluated with \
        no more than \(most). A model can learn to resist just the attack it knows: \(EvaluationStrength(evaluation).advice(for: norm)).
        """)
  }

  /// An attack whose steps together are shorter than epsilon, from the clean image: it never comes near the bound.
  package static func outOfReach(_ attacks: [AttackSettings], _ threat: Threat) -> [Warning] {
    attacks.compactMap { settings in
      let attack = settings.attack(for: threat, keep: .firstMisclassified)
      guard !attack.isRandomised, let reach = attack.reach(in: threat.norm), reach < threat.epsilon * (1 - 1e-9) else { return nil }
      let advice = settings.adjustable(["steps", "step_size"]).map { "raise \($0)" } ?? "use another attack"
      return Warning(
        code: "attack_out_of_reach",
        detail: "\(settings.label) moves an image by at most \(reach) where \(threat.epsilon) is allowed: \(advice).",
        discredits: true, attack: settings.label)
    }
  }

  /// Too few classes for the targeted losses of the stronger attacks.
  package static func fewClasses(_ classes: Int) -> Warning? {
    guard classes < 4 else { return nil }
    return Warning(
      code: "few_classes",
      detail: """
        With \(classes) classes the targeted difference of logits ratio, which needs 4, is not defined, so attacks that use it take the \
        plain difference of two logits; and guessing alone is right in \(percent(1 / Double(max(classes, 1)))) of cases.
        """)
  }
}
