extension AttackDefinition {
  package static let apgdDLR = AttackDefinition(
    name: "apgd_dlr",
    summary: """
      Auto-PGD on the difference of logits ratio, which no scale of the logits can flatten (Croce and Hein 2020, arXiv:2003.01690).
      """,
    fields: [.steps(default: 100), .restarts, .eotSamples], family: .projectedSteps, strength: 42, support: .with("apgd_ce"),
    budget: ["steps"], allowsReduced: true
  ) { settings, threat, keep in APGD(steps: settings.steps, keep: keep, loss: DifferenceOfLogitsRatio(), norm: threat.norm) }
}
