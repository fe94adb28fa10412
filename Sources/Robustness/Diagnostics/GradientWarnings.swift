/// Gradients that an attack cannot use (masked gradients: Athalye et al. 2018, arXiv:1802.00420).
extension Warning {
  /// The fraction of examples that may withstand because of zero gradients before the result is discredited.
  private static let negligible = 0.005

  /// Examples withstood because their gradient was zero.
  package static func zeroGradients(_ trial: AttackTrial) -> Warning? {
    guard trial.zeroGradients > 0 else { return nil }
    let share = Double(trial.zeroGradients) / Double(trial.withstood.count)
    return Warning(
      code: "zero_gradients",
      detail: """
        \(trial.settings.label): the input gradient of \(trial.zeroGradients) examples that withstood (\(percent(share))) was zero at the \
        start, so the attack stood still there. Use an attack whose loss does not saturate (apgd_t), or one that needs no gradient (square).
        """,
      discredits: share >= negligible, attack: trial.settings.label)
  }

  /// NaN or infinite gradients.
  package static func brokenGradients(_ trial: AttackTrial) -> Warning? {
    guard trial.brokenGradients > 0 else { return nil }
    return Warning(
      code: "broken_gradients",
      detail: """
        \(trial.settings.label): the input gradient of \(trial.brokenGradients) examples was NaN or infinite at the start. The weights \
        have probably diverged: lower the learning rate.
        """,
      discredits: true)
  }
}
