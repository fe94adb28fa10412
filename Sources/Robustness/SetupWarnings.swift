import Attacks

/// Settings that make a robust accuracy less meaningful than it seems.
extension Warning {
  /// The evaluation's attacks are not stronger than the training's.
  ///
  /// - Parameter training: the attack of the training; `nil` for standard training.
  package static func evaluationNotStronger(training: AttackSettings?, evaluation: [AttackSettings]) -> Warning? {
    guard let training, training.cost.gradientEvaluations > 0 else { return nil }
    let most = evaluation.map(\.cost.gradientEvaluations).max() ?? 0
    guard most <= training.cost.gradientEvaluations else { return nil }
    return Warning(
      code: "evaluation_not_stronger",
      detail: """
        The model was trained on \(training.label) (gradient evaluations per example: \(training.cost.gradientEvaluations)) and evaluated with \
        no more than \(most). A model can learn to resist just the attack it knows: evaluate with more steps or restarts.
        """)
  }

  /// Too few classes for the targeted losses of the stronger attacks.
  package static func fewClasses(_ classes: Int) -> Warning? {
    guard classes < 4 else { return nil }
    return Warning(
      code: "few_classes",
      detail: """
        With \(classes) classes the targeted DLR loss, which needs 4, is not defined, so attacks that use it fall back on cross-entropy; \
        and guessing alone is right in \(percent(1 / Double(max(classes, 1)))) of cases.
        """)
  }
}
