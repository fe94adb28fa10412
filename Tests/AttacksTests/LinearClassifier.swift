import Attacks
import JSON
import TensorEngine

/// Logits W·x + b of the flattened image, whose input gradients are known in closed form.
final class LinearClassifier: Classifier {
  let inputShape: Shape
  let classes: Int
  /// By class, then pixel.
  var weights: [[Float]]
  var bias: [Float]
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
    let values = (0..<images.batch).flatMap { row in
      zip(weights, bias).map { w, b in zip(w, images[example: row]).reduce(b) { $0 + $1.0 * $1.1 } }
    }
    return Tensor([images.batch, classes], values: values)
  }

  func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    gradientBatches.append(images.batch)
    let logits = forward(images)
    var logitGradient = Tensor(zeros: logits.shape)
    let losses = loss(logits, targets: targets, gradient: &logitGradient)
    for row in 0..<images.batch {
      for pixel in 0..<images.stride {
        gradient.values[row * images.stride + pixel] = (0..<classes).reduce(0) {
          $0 + logitGradient.values[row * classes + $1] * weights[$1][pixel]
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

extension AttackSettings {
  /// With so few steps and queries that it runs in no time.
  init(quick definition: AttackDefinition) {
    let few: [String: JSONValue] = ["steps": 6, "queries": 30, "binary_search_steps": 3]
    self.init(definition, few.filter { name, _ in definition.field(name).map { $0.onlyDefault == nil } ?? false })
  }
}
