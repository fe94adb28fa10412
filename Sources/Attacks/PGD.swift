import TensorEngine

extension AttackDefinition {
  package static let pgd = AttackDefinition(
    name: "pgd", summary: "Projected gradient descent from a random point of the ball (Madry et al. 2018, arXiv:1706.06083).",
    fields: [
      .steps(default: 40), .stepSize(help: "The length of a step; by default 2.5 epsilon / steps, which reaches across the ball."),
      .randomStart(default: true), .restarts, .eotSamples,
    ],
    family: .projectedSteps, strength: 30, allowsReduced: true
  ) { settings, threat, keep in
    let size = settings.stepSize ?? 2.5 * threat.epsilon / Double(max(settings.steps, 1))
    return PGD(steps: settings.steps, stepSize: size, randomStart: settings.randomStart, keep: keep)
  }
}

/// Projected gradient descent (Madry et al. 2018, arXiv:1706.06083). Every attack by steps along the gradient alone is this one with other
/// settings.
package struct PGD: Attack {
  package var steps: Int
  /// The length of a step in the threat's norm, in pixels.
  package var stepSize: Double
  /// Whether it starts uniformly in the ball, or at the clean image.
  package var randomStart: Bool
  package var keep: Keep
  package var loss: any Loss

  package init(steps: Int, stepSize: Double, randomStart: Bool, keep: Keep, loss: any Loss = CrossEntropy()) {
    self.steps = steps
    self.stepSize = stepSize
    self.randomStart = randomStart
    self.keep = keep
    self.loss = loss
  }

  package var isRandomised: Bool { randomStart }

  package var cost: AttackCost { AttackCost(gradientEvaluations: steps) }

  package func reach(in norm: Norm) -> Double? { stepSize * Double(steps) }

  package func perturb(
    _ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void
  ) rethrows -> Tensor {
    var active = ActiveSet(examples, at: start(examples, threat), state: Tensor(zeros: examples.images.shape))
    let loss = examples.loss ?? loss
    for _ in 0..<steps {
      try control()
      let (_, logits) = classifier.inputGradient(at: active.iterates, targets: active.targets, loss: loss, gradient: &active.state)
      if keep == .firstMisclassified {
        active.release(by: logits)
        if active.isEmpty { break }
      }
      threat.ascend(&active.iterates, along: &active.state, by: stepSize, around: active.clean)
    }
    return active.finished()
  }

  private func start(_ examples: Examples, _ threat: Threat) -> Tensor {
    if let starts = examples.starts { return starts }
    guard randomStart else { return examples.images }
    var streams = examples.streams(for: .attackStart)
    return threat.uniformPoints(around: examples.images, from: &streams)
  }
}
