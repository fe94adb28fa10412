import TensorEngine

/// Projected gradient descent (Madry et al. 2018, arXiv:1706.06083), and with one step and no random start FGSM (Goodfellow et al.
/// 2015, arXiv:1412.6572); with one step and a random start the attack of Fast-AT (Wong et al. 2020, arXiv:2001.03994).
package struct PGD: Attack {
  package var steps: Int
  /// The length of a step in the threat's norm, in pixels.
  package var stepSize: Double
  /// Whether it starts uniformly in the ball, or at the clean image.
  package var randomStart: Bool
  package var keep: Keep
  package var loss: any Loss

  package init(steps: Int, stepSize: Double, randomStart: Bool, keep: Keep, loss: any Loss = CrossEntropy()) {
    self.steps = steps
    self.stepSize = stepSize
    self.randomStart = randomStart
    self.keep = keep
    self.loss = loss
  }

  package var isRandomised: Bool { randomStart }

  package func perturb(_ examples: Examples, of classifier: any Classifier, threat: Threat) -> Tensor {
    var front = Front(examples, at: start(examples, threat))
    var gradient = Tensor(zeros: examples.images.shape)
    for _ in 0..<steps {
      let (_, logits) = classifier.inputGradient(at: front.iterates, labels: front.labels, loss: loss, gradient: &gradient)
      if keep == .fallen, let standing = front.release(by: logits) {
        if front.isEmpty { break }
        gradient = gradient.gathered(standing)
      }
      threat.ascend(&front.iterates, along: &gradient, by: stepSize, around: front.clean)
    }
    return front.finished()
  }

  private func start(_ examples: Examples, _ threat: Threat) -> Tensor {
    if let starts = examples.starts { return starts }
    guard randomStart else { return examples.images }
    var streams = examples.streams(for: .attackStart)
    return threat.uniformPoints(around: examples.images, from: &streams)
  }
}
