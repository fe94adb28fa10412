import TensorEngine

/// Uniform noise in the ball: the control that every attack must beat.
package struct UniformNoise: Attack {
  /// How many points it draws for each example; the first that is misclassified is returned, else the last.
  package var draws: Int

  package init(draws: Int = 1) { self.draws = draws }

  package var isRandomised: Bool { true }

  package func perturb(_ examples: Examples, of classifier: any Classifier, threat: Threat) -> Tensor {
    var streams = examples.streams(for: .noise)
    var front = Front(examples, at: examples.starts ?? threat.uniformPoints(around: examples.images, from: &streams))
    for _ in 1..<max(draws, 1) {
      if let standing = front.release(by: classifier.logits(of: front.iterates)) {
        if front.isEmpty { break }
        streams = standing.map { streams[$0] }
      }
      front.iterates = threat.uniformPoints(around: front.clean, from: &streams)
    }
    return front.finished()
  }
}
