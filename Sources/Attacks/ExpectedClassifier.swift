import TensorEngine

/// A classifier with randomness as attacks are to see it: each answer is the mean over several draws, new ones each time (expectation over
/// transformation, Athalye et al. 2018, arXiv:1707.07397).
final class ExpectedClassifier: Classifier {
  private let classifier: any Classifier
  private let samples: Int
  private let confirms: Bool
  private let seed: UInt64
  private let epoch: Int
  /// The number of the next draw.
  private var next: Int

  /// - Parameters:
  ///   - samples: the draws of an answer.
  ///   - confirms: whether logits that are wrong are replaced by the answer that counts: an example then leaves an attack only where that
  ///     is wrong too.
  init(_ classifier: any Classifier, attacking examples: Examples, samples: Int, confirms: Bool) {
    self.classifier = classifier
    self.samples = max(samples, 1)
    self.confirms = confirms
    seed = examples.seed
    epoch = examples.epoch
    // The draws of answers that count stand before, those of an earlier restart elsewhere.
    next = RandomDraw.answerCount + examples.round << 20
  }

  var inputShape: Shape { classifier.inputShape }
  var classes: Int { classifier.classes }

  func logits(of images: Tensor) -> Tensor { logits(of: images, ids: Array(0..<images.batch)) }

  func logits(of images: Tensor, ids: [Int]) -> Tensor {
    var mean = Tensor(zeros: [images.batch, classes])
    for _ in 0..<samples {
      draw(ids)
      mean.add(1 / Float(samples), times: classifier.logits(of: images))
    }
    return mean
  }

  func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    let share = 1 / Float(samples)
    var sum = Tensor(zeros: images.shape)
    var logits = Tensor(zeros: [images.batch, classes])
    var losses = [Float](repeating: 0, count: images.batch)
    for _ in 0..<samples {
      draw(targets.ids ?? Array(0..<images.batch))
      let answer = classifier.inputGradient(at: images, targets: targets, loss: loss, gradient: &gradient)
      sum.add(share, times: gradient)
      logits.add(share, times: answer.logits)
      for row in losses.indices { losses[row] += share * answer.losses[row] }
    }
    gradient = sum
    if confirms { confirm(&logits, at: images, targets) }
    return (losses, logits)
  }

  private func draw(_ ids: [Int]) {
    classifier.draw(RandomDraw(seed: seed, epoch: epoch, ids: ids, number: next))
    next += 1
  }

  private func confirm(_ logits: inout Tensor, at images: Tensor, _ targets: LossTargets) {
    let predicted = logits.predictions()
    let wrong = targets.labels.indices.filter { predicted[$0] != targets.labels[$0] }
    guard !wrong.isEmpty else { return }
    let ids = wrong.map { targets.ids?[$0] ?? $0 }
    let answers = classifier.answers(to: images.gathered(wrong), ids: ids, seed: seed)
    for (position, row) in wrong.enumerated() { logits[example: row] = answers[example: position] }
  }
}
