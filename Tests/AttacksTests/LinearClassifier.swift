import Attacks
import JSON
import TensorEngine

/// Logits W·x + b of the flattened image, whose input gradients are known in closed form.
final class LinearClassifier: Classifier {
  let inputShape: Shape
  let classes: Int
  /// By class, then pixel.
  var weights: [[Float]] {
    didSet { table = weights.flatMap { $0 } }
  }
  var bias: [Float]
  /// The weights one after the other: attacks ask millions of times.
  private var table: [Float]
  private(set) var gradientBatches: [Int] = []
  private(set) var forwardBatches: [Int] = []
  /// Changes the logits of the call with this number: a model that is not a function of its input.
  var disturb: ((_ call: Int, _ logits: inout Tensor) -> Void)?
  /// Changes gradients: a model whose gradients are no use.
  var spoil: ((_ gradient: inout Tensor) -> Void)?

  init(_ inputShape: Shape, weights: [[Float]], bias: [Float]? = nil) {
    self.inputShape = inputShape
    classes = weights.count
    self.weights = weights
    table = weights.flatMap { $0 }
    self.bias = bias ?? [Float](repeating: 0, count: weights.count)
  }

  /// Random weights.
  convenience init(_ inputShape: Shape, classes: Int, seed: UInt64) {
    self.init(
      inputShape,
      weights: (0..<classes).map { label in
        var stream = RandomStream(seed: seed, purpose: .initialisation, example: label)
        return (0..<inputShape.count).map { _ in stream.normal() }
      })
  }

  func logits(of images: Tensor) -> Tensor {
    forwardBatches.append(images.batch)
    var logits = forward(images)
    disturb?(forwardBatches.count - 1, &logits)
    return logits
  }

  private func forward(_ images: Tensor) -> Tensor {
    var logits = Tensor(zeros: [images.batch, classes])
    let (batch, pixels) = (images.batch, images.stride)
    images.values.withUnsafeBufferPointer { x in
      table.withUnsafeBufferPointer { w in
        for row in 0..<batch {
          for label in 0..<classes {
            var sum = bias[label]
            for pixel in 0..<pixels { sum += w[label * pixels + pixel] * x[row * pixels + pixel] }
            logits.values[row * classes + label] = sum
          }
        }
      }
    }
    return logits
  }

  func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    gradientBatches.append(images.batch)
    let logits = forward(images)
    var logitGradient = Tensor(zeros: logits.shape)
    let losses = loss(logits, targets: targets, gradient: &logitGradient)
    let (batch, pixels) = (images.batch, images.stride)
    gradient = Tensor(zeros: images.shape)
    gradient.values.withUnsafeMutableBufferPointer { g in
      table.withUnsafeBufferPointer { w in
        for row in 0..<batch {
          for label in 0..<classes {
            let slope = logitGradient.values[row * classes + label]
            for pixel in 0..<pixels { g[row * pixels + pixel] += slope * w[label * pixels + pixel] }
          }
        }
      }
    }
    spoil?(&gradient)
    return (losses, logits)
  }
}

/// Images uniform in `range`, `[count] + shape`.
func randomImages(_ count: Int, _ shape: Shape, in range: ClosedRange<Float> = 0...1, seed: UInt64 = 5) -> Tensor {
  Tensor(
    shape.batched(count),
    values: (0..<count).flatMap { example in
      var stream = RandomStream(seed: seed, purpose: .sample, example: example)
      return (0..<shape.count).map { _ in stream.uniform(range.lowerBound, range.upperBound) }
    })
}

/// Those images with the classes that the classifier gives them.
func rightly(_ images: Tensor, by classifier: LinearClassifier, seed: UInt64 = 1) -> Examples {
  Examples(images: images, labels: classifier.logits(of: images).argmax(), ids: Array(0..<images.batch), seed: seed)
}

extension AttackDefinition {
  /// The attack with so few steps and queries that it runs in no time; a sequence with such parts.
  func quick(for threat: Threat, keep: Keep) -> any Attack {
    let settings = AttackSettings(quick: self)
    guard let parts = settings.parts(in: threat.norm) else { return settings.attack(for: threat, keep: keep) }
    return AttackSequence(parts.map { AttackSettings(quick: $0.definition) }, keep: keep)
  }
}

extension AttackSettings {
  /// With so few steps and queries that it runs in no time.
  init(quick definition: AttackDefinition) {
    let few: [String: JSONValue] = ["steps": 6, "queries": 30, "binary_search_steps": 3]
    self.init(definition, few.filter { name, _ in definition.field(name).map { $0.onlyDefault == nil } ?? false })
  }
}
