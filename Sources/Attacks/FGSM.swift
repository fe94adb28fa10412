extension AttackDefinition {
  /// With a random start, the attack of Fast-AT (Wong et al. 2020, arXiv:2001.03994), whose step is longer than the ball's radius.
  package static let fgsm = AttackDefinition(
    name: "fgsm", summary: "One step along the gradient's sign (Goodfellow et al. 2015, arXiv:1412.6572).",
    fields: [
      .steps(default: 1, onlyDefault: "fgsm takes a single step; for more steps use pgd"),
      .stepSize(help: "The length of the step; by default epsilon, 1.25 epsilon from a random start."),
      .randomStart(default: false), .restarts, .eotSamples,
    ],
    family: .projectedSteps, strength: 10
  ) { settings, threat, keep in
    let usual = settings.randomStart ? 1.25 * threat.epsilon : threat.epsilon
    return PGD(steps: 1, stepSize: settings.stepSize ?? usual, randomStart: settings.randomStart, keep: keep)
  }
}
