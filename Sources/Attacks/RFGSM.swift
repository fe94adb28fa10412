import TensorEngine

extension AttackDefinition {
  package static let rfgsm = AttackDefinition(
    name: "rfgsm",
    summary:
      "Half of epsilon along the signs of Gaussian noise, the other half along the gradient's (Tramèr et al. 2018, arXiv:1705.07204).",
    fields: [
      .steps(default: 1, onlyDefault: "rfgsm takes a single step along the gradient; for more steps use pgd"), .restarts, .eotSamples,
    ],
    family: .projectedSteps, strength: 12
  ) { _, threat, keep in RFGSM(epsilon: threat.epsilon, keep: keep) }
}

/// FGSM behind a random step (Tramèr et al. 2018, arXiv:1705.07204): ε/2 along the signs of Gaussian noise, then ε − ε/2 along the
/// gradient's signs. In L2, where the paper defines nothing, each of the two goes along the vector itself, at the same lengths.
package struct RFGSM: Attack {
  package var epsilon: Double
  package var keep: Keep

  package init(epsilon: Double, keep: Keep) {
    self.epsilon = epsilon
    self.keep = keep
  }

  package var isRandomised: Bool { true }

  package var cost: AttackCost { AttackCost(gradientEvaluations: 1) }

  package func reach(in norm: Norm) -> Double? { epsilon }

  package func perturb(
    _ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void
  ) rethrows -> Tensor {
    var begun = examples
    begun.starts = examples.starts ?? start(examples, threat)
    let step = PGD(steps: 1, stepSize: epsilon - epsilon / 2, randomStart: false, keep: keep)
    return try step.perturb(begun, of: classifier, threat: threat, control: control)
  }

  private func start(_ examples: Examples, _ threat: Threat) -> Tensor {
    var streams = examples.streams(for: .attackStart)
    var noise = Tensor(
      examples.images.shape,
      values: streams.indices.flatMap { row in
        (0..<examples.images.stride).map { _ in streams[row].normal() }
      })
    var start = examples.images
    threat.ascend(&start, along: &noise, by: epsilon / 2, around: examples.images)
    return start
  }
}
