import Attacks
import TensorEngine

/// The penalty of a shard on gradients g = ∇x ℓ at images, between its passes through the network.
///
/// With v = ∂penalty/∂g the weights' gradient of the penalty is ∂/∂w (v · ∇x ℓ(x)), the derivative along v of the weights' gradient of ℓ. With
/// the branches of the network frozen at x (`Graph.withFrozenBranches()`) it is the difference of two passes, at x + h v and x − h v:
/// with c = softmax(z) − y at x, ż = (z₊ − z₋) / 2h and H the derivative of the softmax, the gradients at their logits are ±c / 2h + ½ H ż.
/// Where the frozen network is linear, this is exact for any h. Batch norm and smooth activations are not: there the error is of order h².
/// Without frozen branches it is no approximation at all: what jumps at a branch is divided by h. `Tests/Peers/second_order.py` has the
/// figures.
struct PenaltyWork: Sendable {
  let examples: TrainingExamples
  /// The rows that have a penalty.
  let rows: [Int]
  let labels: [Int]
  /// Where the gradients are taken that no view of the objective gives.
  let images: [Tensor]
  /// Where weights learn from the penalty.
  private let base: Tensor
  /// The derivative of the cross-entropy at the logits there, softmax(z) − y.
  private var lossSlope: Tensor
  /// By row, in the order of the images.
  private var gradients: [Tensor] = []
  private let penalty: any GradientPenalty

  init(_ penalty: any GradientPenalty, _ examples: TrainingExamples, rows: [Int], images: [Tensor]) {
    self.penalty = penalty
    self.examples = examples
    self.rows = rows
    self.images = images
    labels = examples.labels
    base = images.last ?? examples.views[0]
    lossSlope = Tensor(zeros: [1])
  }

  // MARK: Gradients at images

  /// The derivative of each example's cross-entropy at its logits.
  func slopes(_ logits: Tensor) -> Tensor {
    var gradient = Tensor(zeros: logits.shape)
    _ = CrossEntropy()(logits, labels: labels, gradient: &gradient)
    return gradient
  }

  /// Takes the gradient at the image of each example's cross-entropy, in the order of the images, and the derivative at the logits that it
  /// came from.
  mutating func take(_ gradient: Tensor, from lossSlope: Tensor) {
    self.lossSlope = lossSlope
    gradients.append(gradient)
  }

  // MARK: Two passes beside the last image

  /// What the penalty is, and how far the moved images lie.
  struct Moves: Sendable {
    /// By row: zero where there is no penalty.
    var penalties: [Double]
    /// v, `[rows] + image`.
    var slopes: Tensor
    /// The longest v.
    var longest: Double
    /// h of each row; infinite where it is not moved.
    var steps: [Double]
  }

  /// The length of h v in pixels. Where the frozen network is linear the longer the better, for rounding; batch norm bends it.
  private static let reach = 1.0
  private static let reachInLockstep = 0.03

  /// One h for all shards of a batch, where the logits of each example depend on all images: the longest v has the length of the reach.
  static func alignSteps(_ moves: inout [Moves]) {
    let longest = moves.reduce(0) { max($0, $1.longest) }
    let step = longest > 0 ? reachInLockstep / longest : 1
    for index in moves.indices { moves[index].steps = moves[index].steps.map { _ in step } }
  }

  /// v of each row, where it is finite.
  func moves() -> Moves {
    var moves = Moves(
      penalties: [Double](repeating: 0, count: labels.count), slopes: Tensor(zeros: base.shape), longest: 0,
      steps: [Double](repeating: .infinity, count: labels.count))
    for row in rows {
      let (penalty, slope) = self.penalty(gradients.map { $0[example: row] })
      let length = slope.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard length.isFinite, length < Double(Float.greatestFiniteMagnitude) else { continue }
      moves.penalties[row] = penalty
      guard length > 0 else { continue }
      moves.slopes[example: row] = slope.map { Float($0) }[...]
      moves.steps[row] = Self.reach / length
      moves.longest = max(moves.longest, length)
    }
    return moves
  }

  /// The images and the moved ones, as the network with frozen branches takes them: `[rows, 2 · height, width, channels]`.
  func stacked(_ moves: Moves, sign: Float) -> Tensor {
    let stride = base.stride
    let image = base.shape.example
    var stacked = Tensor(zeros: Shape([labels.count, 2 * image[0]] + image.dimensions.dropFirst()))
    for row in labels.indices {
      let step = moves.steps[row].isFinite ? sign * Float(moves.steps[row]) : 0
      let (original, slope) = (base[example: row], moves.slopes[example: row])
      let moved = zip(original, slope).map { $0 + step * $1 }
      stacked.values.replaceSubrange(2 * row * stride..<(2 * row + 1) * stride, with: original)
      stacked.values.replaceSubrange((2 * row + 1) * stride..<(2 * row + 2) * stride, with: moved)
    }
    return stacked
  }

  /// The gradients at both logits of the mean penalty of `count` examples.
  func logitGradients(_ moves: Moves, _ plus: Tensor, _ minus: Tensor, count: Int) -> (plus: Tensor, minus: Tensor) {
    var gradients = (plus: Tensor(zeros: plus.shape), minus: Tensor(zeros: minus.shape))
    let classes = plus.stride
    for row in labels.indices where moves.steps[row].isFinite {
      let range = row * classes..<(row + 1) * classes
      let (weight, scale) = (1 / (2 * moves.steps[row]), 1 / Double(count))
      let slopes = range.map { (Double(plus.values[$0]) - Double(minus.values[$0])) * weight }
      let probabilities = range.enumerated().map { index, position in
        Double(lossSlope.values[position]) + (index == labels[row] ? 1 : 0)
      }
      let mean = zip(probabilities, slopes).reduce(0) { $0 + $1.0 * $1.1 }
      for (index, position) in range.enumerated() {
        let bend = probabilities[index] * (slopes[index] - mean) / 2
        let difference = Double(lossSlope.values[position]) * weight
        gradients.plus.values[position] = Float((difference + bend) * scale)
        gradients.minus.values[position] = Float((bend - difference) * scale)
      }
    }
    return gradients
  }
}
