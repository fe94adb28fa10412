import Attacks
import TensorEngine

/// A linear classifier of images with noise on them, which is keyed by example and draw.
final class NoisyClassifier: Classifier {
  private let linear: LinearClassifier
  private let deviation: Float
  private var draw = RandomDraw(seed: 0, ids: [], number: 0)
  /// Those asked for, in their order.
  private(set) var draws: [RandomDraw] = []
  /// Replaces gradients by what it makes of the draw.
  var gradientOfDraw: ((RandomDraw) -> Float)?

  init(_ linear: LinearClassifier, deviation: Float) {
    self.linear = linear
    self.deviation = deviation
  }

  var inputShape: Shape { linear.inputShape }
  var classes: Int { linear.classes }
  var isRandomised: Bool { true }

  func draw(_ draw: RandomDraw) {
    self.draw = draw
    draws.append(draw)
  }

  func logits(of images: Tensor) -> Tensor { linear.logits(of: noisy(images)) }

  func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    let answer = linear.inputGradient(at: noisy(images), targets: targets, loss: loss, gradient: &gradient)
    if let gradientOfDraw { gradient.values = gradient.values.map { _ in gradientOfDraw(draw) } }
    return answer
  }

  private func noisy(_ images: Tensor) -> Tensor {
    precondition(draw.ids.count == images.batch, "an answer is drawn for each example")
    var noisy = images
    for (row, id) in draw.ids.enumerated() {
      var stream = RandomStream(seed: draw.seed, purpose: .noise, epoch: draw.epoch, example: id, round: draw.number)
      noisy[example: row] = images[example: row].map { $0 + deviation * stream.normal() }[...]
    }
    return noisy
  }
}
