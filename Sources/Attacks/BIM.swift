extension AttackDefinition {
  /// In its paper the steps are of 1/255 and cover 1.25 epsilon in all: the default step covers that with however many there are.
  package static let bim = AttackDefinition(
    name: "bim",
    summary: "The basic iterative method: FGSM in small steps from the clean image (Kurakin et al. 2017, arXiv:1607.02533).",
    fields: [.steps(default: 10), .stepSize(help: "The length of a step; by default 1.25 epsilon / steps."), .eotSamples],
    family: .projectedSteps, strength: 24
  ) { settings, threat, keep in
    let size = settings.stepSize ?? 1.25 * threat.epsilon / Double(settings.steps)
    return PGD(steps: settings.steps, stepSize: size, randomStart: false, keep: keep)
  }
}
