import TensorEngine

extension AttackDefinition {
  package static let adam = AttackDefinition(
    name: "adam",
    summary: "An optimiser on the input: Adam (Kingma and Ba 2015, arXiv:1412.6980) lowers the true class's output; the result is clipped.",
    fields: [
      .steps(default: 10), .stepSize(.none, help: "Adam's learning rate; by default 0.01."),
      .randomStart(default: false, onlyDefault: "adam starts at the clean image; leave random_start out"), .restarts, .eotSamples,
    ],
    strength: 20
  ) { settings, _, _ in AdamOnInput(steps: settings.steps, learningRate: settings.stepSize ?? 0.01) }
}

/// An optimiser on the input: Adam (Kingma and Ba 2015, arXiv:1412.6980) lowers the true class's output, and the result is clipped.
///
/// The bound holds for the result alone; between the steps the image moves freely, so no iterate but the last can be kept.
package struct AdamOnInput: Attack {
  package var steps: Int
  package var learningRate: Double
  package var loss: any Loss

  package init(steps: Int = 10, learningRate: Double = 0.01, loss: any Loss = TrueClassOutput()) {
    self.steps = steps
    self.learningRate = learningRate
    self.loss = loss
  }

  package var cost: AttackCost { AttackCost(gradientEvaluations: steps) }

  /// Adam's steps are of about its learning rate in every pixel, whatever the gradient's size.
  package func reach(in norm: Norm) -> Double? { norm == .linf ? learningRate * Double(steps) : nil }

  package func perturb(
    _ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void
  ) rethrows -> Tensor {
    let targets = examples.targets
    let loss = examples.loss ?? loss
    var images = examples.starts ?? examples.images
    var gradient = Tensor(zeros: images.shape)
    var moments = Moments(count: images.values.count)
    for _ in 0..<steps {
      try control()
      _ = classifier.inputGradient(at: images, targets: targets, loss: loss, gradient: &gradient)
      moments.ascend(&images, along: gradient, learningRate: learningRate)
    }
    threat.project(&images, around: examples.images)
    return images
  }
}

/// Adam's running means of the gradient and of its square.
private struct Moments {
  private static let decay: (first: Float, second: Float) = (0.9, 0.999)
  private var first: [Float]
  private var second: [Float]
  /// β₁ᵗ and β₂ᵗ, for the correction of the start at zero.
  private var powers = (first: 1.0, second: 1.0)

  init(count: Int) {
    first = [Float](repeating: 0, count: count)
    second = first
  }

  /// One step up; a value of the gradient that is not finite counts as 0.
  mutating func ascend(_ images: inout Tensor, along gradient: Tensor, learningRate: Double) {
    let (beta1, beta2) = Self.decay
    powers.first *= Double(beta1)
    powers.second *= Double(beta2)
    let rate = Float(learningRate / (1 - powers.first))
    let correction = Float(1 / (1 - powers.second))
    images.values.withUnsafeMutableBufferPointer { x in
      gradient.values.withUnsafeBufferPointer { g in
        first.withUnsafeMutableBufferPointer { m in
          second.withUnsafeMutableBufferPointer { v in
            for index in 0..<x.count {
              let finite = g[index].isFinite ? g[index] : 0
              m[index] = beta1 * m[index] + (1 - beta1) * finite
              v[index] = beta2 * v[index] + (1 - beta2) * finite * finite
              x[index] += rate * m[index] / ((v[index] * correction).squareRoot() + 1e-8)
            }
          }
        }
      }
    }
  }
}
