import Attacks

/// Results that contradict themselves.
extension Warning {
  /// An attack returned images outside the epsilon ball or outside [0, 1].
  package static func breach(_ trial: AttackTrial) -> Warning? {
    guard trial.breaches > 0 else { return nil }
    return Warning(
      code: "bound_broken",
      detail: """
        \(trial.settings.label) returned \(trial.breaches) images more than \(Adversary.tolerance) outside \(trial.threat.norm.symbol) \
        \(trial.threat.epsilon) or outside [0, 1]. They were projected before they were counted, so the attack is weaker than it looks.
        """,
      discredits: true, attack: trial.settings.label)
  }

  /// Misclassified images are predicted differently the second time.
  package static func unrepeatable(_ trial: AttackTrial) -> Warning? {
    guard trial.unrepeatable > 0 else { return nil }
    return Warning(
      code: "prediction_not_repeatable",
      detail: """
        \(trial.settings.label): \(trial.unrepeatable) adversarial images were predicted differently when predicted again. The model is \
        random (are dropout or batch statistics on?), so one prediction per image says little.
        """,
      discredits: true)
  }

  /// An attack with epsilon = 0 changed the accuracy.
  package static func zeroEpsilonDiffers(clean: Proportion, atZero: Proportion) -> Warning? {
    guard clean != atZero else { return nil }
    return Warning(
      code: "zero_epsilon_differs",
      detail: """
        Accuracy under an attack of epsilon 0 is \(percent(atZero.value)), clean it is \(percent(clean.value)): the same images get \
        different answers, so no accuracy here can be relied on.
        """,
      discredits: true)
  }
}
