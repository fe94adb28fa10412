import Attacks
import TensorEngine

/// The perturbation δ that free adversarial training carries from update to update: one for each position in a batch, whichever image is
/// there, as in the authors' code. At first it is zero.
struct CarriedPerturbation {
  private let state: MethodState

  /// - Parameter state: `count(_:)` numbers.
  init(_ state: MethodState) { self.state = state }

  static func count(_ size: TrainingSize) -> Int { size.batch * size.image.count }

  /// x + δ, brought into the box.
  ///
  /// - Parameter positions: that of each image in the batch.
  func images(_ clean: Tensor, positions: [Int]) -> Tensor {
    var images = clean
    images.add(1, times: perturbation(of: positions, like: clean))
    images.clamp(to: Threat.box)
    return images
  }

  /// A step of δ along the gradient, and back into the ball.
  ///
  /// - Parameters:
  ///   - clean: the images that δ was added to.
  ///   - gradient: at the perturbed images.
  ///   - size: of the step, in the threat's norm.
  func ascend(_ clean: Tensor, along gradient: Tensor, positions: [Int], by size: Double, _ threat: Threat) {
    var perturbation = perturbation(of: positions, like: clean)
    var direction = gradient
    for index in direction.values.indices {
      // Where the box has cut, the image does not change with δ.
      let pixel = clean.values[index] + perturbation.values[index]
      if !Threat.box.contains(pixel) { direction.values[index] = 0 }
    }
    threat.direct(&direction)
    perturbation.add(Float(size), times: direction)
    threat.projectOntoBall(&perturbation)
    for (row, position) in positions.enumerated() {
      for (index, value) in perturbation[example: row].enumerated() { state[position * clean.stride + index] = value }
    }
  }

  private func perturbation(of positions: [Int], like images: Tensor) -> Tensor {
    let stride = images.stride
    return Tensor(images.shape, values: positions.flatMap { position in (0..<stride).map { state[position * stride + $0] } })
  }
}
