import Attacks
import TensorEngine
import Testing

/// The output of the class aimed at less that of the true class, and less what the reference gives the class aimed at.
private struct TargetedMargin: Loss {
  func callAsFunction(_ logits: Tensor, targets: LossTargets, gradient: inout Tensor) -> [Float] {
    for index in gradient.values.indices { gradient.values[index] = 0 }
    return (0..<logits.batch).map { row in
      let (label, target) = (row * logits.stride + targets.labels[row], row * logits.stride + (targets.targetClasses?[row] ?? 0))
      gradient.values[target] += 1
      gradient.values[label] -= 1
      return logits.values[target] - logits.values[label] - (targets.referenceLogits?.values[target] ?? 0)
    }
  }
}

@Suite("The active set") struct ActiveSetTests {
  private let shape: Shape = [2, 3, 1]

  @Test("what is kept of each example, and what its loss looks at, leave with the example") func compaction() {
    let classifier = LinearClassifier(shape, classes: 3, seed: 2)
    let images = randomImages(4, shape)
    let examples = Examples(images: images, labels: [0, 1, 2, 0], ids: [0, 1, 2, 3], seed: 1)
    let reference = classifier.logits(of: images)
    let targets = LossTargets(labels: examples.labels, targetClasses: [1, 2, 0, 2], referenceLogits: reference)
    var active = ActiveSet(examples, at: images, state: [10, 11, 12, 13], targets: targets)
    // Right, wrong, NaN, right.
    active.release(by: Tensor([4, 3], values: [1, 0, 0, 1, 0, 0, 0, .nan, 1, 2, 1, 0]))
    #expect(active.state == [10, 13])
    #expect(active.targets.labels == [0, 0])
    #expect(active.targets.targetClasses == [1, 2])
    #expect(active.targets.referenceLogits == reference.gathered([0, 3]))
    #expect(active.clean == images.gathered([0, 3]))
    for index in active.iterates.values.indices { active.iterates.values[index] = 0.5 }
    #expect(!active.isEmpty)
    let result = active.finished()
    #expect(result.gathered([1, 2]) == images.gathered([1, 2]))
    #expect(result.gathered([0, 3]).values.allSatisfy { $0 == 0.5 })
  }

  @Test("a loss may look at the class aimed at and at other logits") func targetedLoss() {
    let classifier = LinearClassifier(shape, classes: 3, seed: 2)
    let images = randomImages(2, shape)
    let reference = classifier.logits(of: images)
    var gradient = Tensor(zeros: images.shape)
    let targets = LossTargets(labels: [0, 1], targetClasses: [2, 0], referenceLogits: reference)
    let (losses, _) = classifier.inputGradient(at: images, targets: targets, loss: TargetedMargin(), gradient: &gradient)
    for (row, (label, target)) in [(0, 2), (1, 0)].enumerated() {
      #expect(abs(losses[row] + reference.values[row * 3 + label]) < 1e-6)
      for pixel in 0..<6 {
        #expect(abs(gradient.values[row * 6 + pixel] - classifier.weights[target][pixel] + classifier.weights[label][pixel]) < 1e-6)
      }
    }
  }
}
