import Attacks
import Dispatch
import Robustness
import Synchronization
import TensorEngine

/// Linear models of two pixels-times-classes weights, one for each shard, questioned by several threads.
struct LinearTeam: ClassifierTeam {
  var inputShape: Shape = [2, 3, 1]
  var weights: [[Float]]
  var shardSize = 8
  /// Changes gradients.
  var spoil: (@Sendable (inout Tensor) -> Void)?
  /// Changes the logits of a classifier's call with this number.
  var disturb: (@Sendable (_ call: Int, _ logits: inout Tensor) -> Void)?
  /// The deviation of the noise on logits, keyed by example and draw.
  var noise: Float = 0

  init(classes: Int, seed: UInt64 = 3) {
    weights = (0..<classes).map { label in
      var stream = RandomStream(seed: seed, purpose: .initialisation, example: label)
      return (0..<6).map { _ in stream.normal() }
    }
  }

  var classes: Int { weights.count }
  var isRandomised: Bool { noise > 0 }

  func forEachTask(_ count: Int, _ body: @Sendable (Int, any Classifier) throws -> Void) throws {
    let failure = Mutex<(any Error)?>(nil)
    let models = self
    DispatchQueue.concurrentPerform(iterations: count) { shard in
      guard failure.withLock({ $0 == nil }) else { return }
      do { try body(shard, Linear(models)) } catch { failure.withLock { $0 = $0 ?? error } }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// What the model takes each image for.
  func predictions(of images: Tensor) -> [Int] { Linear(self).forward(images).argmax() }

  /// The images with the labels that the model gives them, but for those in `wrong`.
  func set(_ count: Int, wrong: [Int] = []) -> EvaluationSet {
    let images = Tensor(
      inputShape.batched(count),
      values: (0..<count).flatMap { example in
        var stream = RandomStream(seed: 5, purpose: .sample, example: example)
        return (0..<6).map { _ in stream.uniform() }
      })
    var labels = Linear(self).forward(images).argmax()
    for position in wrong { labels[position] = (labels[position] + 1) % classes }
    return EvaluationSet(images: images, labels: labels, classNames: (0..<classes).map { "class \($0)" })
  }
}

private final class Linear: Classifier {
  private let team: LinearTeam
  /// By class, then pixel.
  private let weights: [Float]
  private var calls = 0
  private var draw = RandomDraw(seed: 0, ids: [], number: 0)

  init(_ team: LinearTeam) {
    self.team = team
    weights = team.weights.flatMap { $0 }
  }

  var inputShape: Shape { team.inputShape }
  var classes: Int { team.classes }
  var isRandomised: Bool { team.isRandomised }

  func draw(_ draw: RandomDraw) { self.draw = draw }

  private func addNoise(to logits: inout Tensor) {
    guard isRandomised else { return }
    for (row, id) in draw.ids.enumerated() {
      var stream = RandomStream(seed: draw.seed, purpose: .noise, epoch: draw.epoch, example: id, round: draw.number)
      logits[example: row] = logits[example: row].map { $0 + team.noise * stream.normal() }[...]
    }
  }

  func forward(_ images: Tensor) -> Tensor {
    var logits = Tensor(zeros: [images.batch, classes])
    for row in 0..<images.batch {
      for label in 0..<classes {
        var sum: Float = 0
        for pixel in 0..<6 { sum += weights[label * 6 + pixel] * images.values[row * 6 + pixel] }
        logits.values[row * classes + label] = sum
      }
    }
    return logits
  }

  func logits(of images: Tensor) -> Tensor {
    var logits = forward(images)
    addNoise(to: &logits)
    team.disturb?(calls, &logits)
    calls += 1
    return logits
  }

  func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    var logits = forward(images)
    addNoise(to: &logits)
    var logitGradient = Tensor(zeros: logits.shape)
    let losses = loss(logits, targets: targets, gradient: &logitGradient)
    for row in 0..<images.batch {
      for pixel in 0..<6 {
        var sum: Float = 0
        for label in 0..<classes { sum += logitGradient.values[row * classes + label] * weights[label * 6 + pixel] }
        gradient.values[row * 6 + pixel] = sum
      }
    }
    team.spoil?(&gradient)
    return (losses, logits)
  }
}
