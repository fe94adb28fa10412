import Attacks
import Foundation
import TensorEngine

/// A network of one hidden layer: logits `output · relu(hidden · x + bias)` of the flattened image.
final class ReLUClassifier: Classifier, Sendable {
  let inputShape: Shape
  /// By hidden unit, then pixel.
  let hidden: [[Float]]
  let bias: [Float]
  /// By class, then hidden unit.
  let output: [[Float]]

  init(_ inputShape: Shape, hidden: [[Float]], bias: [Float], output: [[Float]]) {
    self.inputShape = inputShape
    self.hidden = hidden
    self.bias = bias
    self.output = output
  }

  var classes: Int { output.count }

  /// The hidden units before the ReLU.
  private func units(_ image: ArraySlice<Float>) -> [Float] {
    zip(hidden, bias).map { weights, bias in zip(weights, image).reduce(0) { $0 + $1.0 * $1.1 } + bias }
  }

  func logits(of images: Tensor) -> Tensor {
    let values = (0..<images.batch).flatMap { row in
      let active = units(images[example: row]).map { max($0, 0) }
      return output.map { weights in zip(weights, active).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    return Tensor([images.batch, classes], values: values)
  }

  func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    let logits = logits(of: images)
    var slope = Tensor(zeros: logits.shape)
    let losses = loss(logits, targets: targets, gradient: &slope)
    for row in 0..<images.batch {
      let units = units(images[example: row])
      let back = units.indices.map { unit in
        units[unit] > 0 ? (0..<classes).reduce(Float(0)) { $0 + slope.values[row * classes + $1] * output[$1][unit] } : 0
      }
      gradient[example: row] = (0..<images.stride).map { pixel in back.indices.reduce(Float(0)) { $0 + back[$1] * hidden[$1][pixel] } }[...]
    }
    return (losses, logits)
  }
}
