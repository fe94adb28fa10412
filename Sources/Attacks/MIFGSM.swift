import JSON
import TensorEngine

extension AttackDefinition {
  package static let mifgsm = AttackDefinition(
    name: "mifgsm", summary: "The momentum iterative method: steps along accumulated gradients (Dong et al. 2018, arXiv:1710.06081).",
    fields: [
      .steps(default: 10), .stepSize(help: "The length of a step; by default epsilon / steps."),
      Field(
        "decay", .number(0...1), default: 1.0, help: "What is kept of the momentum from step to step.", label: .named),
      .eotSamples,
    ],
    family: .projectedSteps, strength: 26
  ) { settings, threat, keep in
    MIFGSM(
      steps: settings.steps, stepSize: settings.stepSize ?? threat.epsilon / Double(settings.steps),
      decay: settings["decay"]?.double ?? 1, keep: keep)
  }
}

/// The momentum iterative method (Dong et al. 2018, arXiv:1710.06081): the gradient, divided by its L1 norm, is added to a momentum that
/// decays, and the step goes along the momentum: its sign for L∞, divided by its L2 norm for L2.
package struct MIFGSM: Attack {
  package var steps: Int
  /// The length of a step in the threat's norm, in pixels.
  package var stepSize: Double
  package var decay: Double
  package var keep: Keep
  package var loss: any Loss

  package init(steps: Int, stepSize: Double, decay: Double, keep: Keep, loss: any Loss = CrossEntropy()) {
    self.steps = steps
    self.stepSize = stepSize
    self.decay = decay
    self.keep = keep
    self.loss = loss
  }

  package var cost: AttackCost { AttackCost(gradientEvaluations: steps) }

  package func reach(in norm: Norm) -> Double? { stepSize * Double(steps) }

  package func perturb(
    _ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void
  ) rethrows -> Tensor {
    let start = examples.starts ?? examples.images
    var active = ActiveSet(examples, at: start, state: Accumulated(shape: start.shape))
    let loss = examples.loss ?? loss
    for _ in 0..<steps {
      try control()
      let (_, logits) = classifier.inputGradient(
        at: active.iterates, targets: active.targets, loss: loss, gradient: &active.state.gradient)
      if keep == .firstMisclassified {
        active.release(by: logits)
        if active.isEmpty { break }
      }
      active.state.accumulate(decay: Float(decay))
      var direction = active.state.momentum
      threat.ascend(&active.iterates, along: &direction, by: stepSize, around: active.clean)
    }
    return active.finished()
  }
}

/// The last gradient of each example, and the decaying sum of all.
private struct Accumulated: PerExample {
  var gradient: Tensor
  var momentum: Tensor

  init(shape: Shape) {
    gradient = Tensor(zeros: shape)
    momentum = gradient
  }

  private init(gradient: Tensor, momentum: Tensor) {
    self.gradient = gradient
    self.momentum = momentum
  }

  func gathered(_ rows: [Int]) -> Accumulated {
    Accumulated(gradient: gradient.gathered(rows), momentum: momentum.gathered(rows))
  }

  /// `momentum = decay · momentum + gradient / ‖gradient‖₁`. A value that is not finite counts as 0, and a zero gradient adds nothing.
  mutating func accumulate(decay: Float) {
    let stride = gradient.stride
    let rows = gradient.batch
    gradient.values.withUnsafeBufferPointer { g in
      momentum.values.withUnsafeMutableBufferPointer { m in
        for row in 0..<rows {
          let pixels = row * stride..<(row + 1) * stride
          // In Double, where gradients of 1e-40 still have a norm.
          let norm = pixels.reduce(0.0) { $0 + (g[$1].isFinite ? Double(abs(g[$1])) : 0) }
          let scale = norm > 0 ? 1 / norm : 0
          for index in pixels { m[index] = decay * m[index] + (g[index].isFinite ? Float(Double(g[index]) * scale) : 0) }
        }
      }
    }
  }
}
