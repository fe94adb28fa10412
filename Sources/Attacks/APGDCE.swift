import TensorEngine

extension AttackDefinition {
  package static let apgdCE = AttackDefinition(
    name: "apgd_ce",
    summary: "Auto-PGD on the cross-entropy: steps with momentum that choose their own length (Croce and Hein 2020, arXiv:2003.01690).",
    fields: [.steps(default: 100), .restarts, .eotSamples], family: .projectedSteps, strength: 40, support: .with("apgd_dlr"),
    budget: ["steps"], allowsReduced: true
  ) { settings, threat, keep in APGD(steps: settings.steps, keep: keep, loss: CrossEntropy(), norm: threat.norm) }
}
