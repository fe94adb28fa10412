import Attacks
import TensorEngine
import Testing

/// Notes the images that another classifier is asked about.
final class Recorder: Classifier {
  private let classifier: any Classifier
  private(set) var asked: [Tensor] = []

  init(_ classifier: any Classifier) { self.classifier = classifier }

  var inputShape: Shape { classifier.inputShape }
  var classes: Int { classifier.classes }

  func logits(of images: Tensor) -> Tensor { classifier.logits(of: images) }

  func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    asked.append(images)
    return classifier.inputGradient(at: images, targets: targets, loss: loss, gradient: &gradient)
  }
}

private struct Interruption: Error {}

@Suite("Auto-PGD") struct APGDTests {
  private static let all: [AttackDefinition] = [.apgdCE, .apgdDLR, .apgdT]
  private let shape: Shape = [3, 4, 1]

  @Test("checkpoints come after 22 % of the iterations, then ever sooner")
  func checkpoints() {
    func found(_ steps: Int) -> [Int] {
      var checkpoints = APGDCheckpoints(steps: steps)
      return (1...steps).filter { checkpoints.interval(endingAt: $0) != nil }
    }
    #expect(found(100) == [22, 41, 57, 70, 80, 87, 93, 99])
    #expect(found(20) == [4, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20])
    #expect(found(1) == [1])
  }

  @Test("it starts at noise of length epsilon: at least one pixel at the edge in L∞, all of it in L2", arguments: [Norm.linf, .l2])
  func starts(norm: Norm) {
    let threat = Threat(norm: norm, epsilon: 0.1)
    let recorder = Recorder(LinearClassifier(shape, classes: 3, seed: 2))
    let images = randomImages(16, shape, in: 0.3...0.7)
    let examples = Examples(images: images, labels: [Int](repeating: 0, count: 16), ids: Array(0..<16), seed: 3)
    _ = AttackSettings(.apgdCE, ["steps": 1]).attack(for: threat, keep: .last).perturb(examples, of: recorder, threat: threat)
    for distance in threat.distances(of: recorder.asked[0], from: images) { #expect(abs(distance - 0.1) < 1e-6) }
    let shifts = zip(recorder.asked[0].values, images.values).map { $0 - $1 }
    #expect(Set(shifts).count > shifts.count / 2)
  }

  @Test("the first step is of 2 epsilon, the next ones take a quarter of the one before along") func steps() {
    let threat = Threat(norm: .linf, epsilon: 0.1)
    let line: Shape = [1, 1, 1]
    // Class 1 is worth more to the right; the gradient points there until it is turned.
    let classifier = LinearClassifier(line, weights: [[0], [1]])
    var calls = 0
    classifier.spoil = { gradient in
      calls += 1
      if calls > 1 { gradient.values = [0] }
    }
    let recorder = Recorder(classifier)
    var examples = Examples(images: Tensor([1, 1, 1, 1], values: [0.5]), labels: [0], ids: [0], seed: 0)
    examples.starts = Tensor([1, 1, 1, 1], values: [0.42])
    _ = AttackSettings(.apgdCE, ["steps": 4]).attack(for: threat, keep: .last).perturb(examples, of: recorder, threat: threat)
    let path = recorder.asked.map { $0.values[0] }
    // From 0.42 by 0.2, cut at 0.6; then without a gradient what a quarter of 0.18 adds is cut too.
    #expect(zip(path, [0.42, 0.6, 0.6]).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test("examples that are misclassified leave, and the rest goes on in smaller batches", arguments: all)
  func smallerBatches(definition: AttackDefinition) {
    let threat = Threat(norm: .linf, epsilon: 0.05)
    let classifier = LinearClassifier(shape, classes: 5, seed: 6)
    let examples = rightly(randomImages(64, shape), by: classifier)
    let before = classifier.gradientBatches.count
    let result = AttackSettings(definition).adversary(for: threat, keep: .firstMisclassified).run(examples, of: classifier)
    let batches = classifier.gradientBatches.dropFirst(before)
    #expect(batches.first == 64)
    #expect(zip(batches, batches.dropFirst()).allSatisfy { $0 >= $1 })
    #expect(batches.last ?? 0 <= result.misclassified.count { !$0 } + 1)
    #expect(result.misclassified.contains(true) && result.misclassified.contains(false))
  }

  @Test("who keeps the last iterate gets the one of the highest loss, in full batches", arguments: all)
  func highestLoss(definition: AttackDefinition) {
    let threat = Threat(norm: .l2, epsilon: 0.3)
    let classifier = LinearClassifier(shape, classes: 5, seed: 6)
    let examples = rightly(randomImages(32, shape), by: classifier)
    let settings = AttackSettings(definition)
    let attacked = settings.attack(for: threat, keep: .last).perturb(examples, of: classifier, threat: threat)
    #expect(classifier.gradientBatches.allSatisfy { $0 == 32 })
    let last = classifier.logits(of: attacked).predictions()
    let evaluated = settings.adversary(for: threat, keep: .firstMisclassified).run(examples, of: classifier)
    for row in 0..<32 where definition.name != "apgd_ce" {
      #expect((last[row] != examples.labels[row]) == evaluated.misclassified[row])
    }
  }

  @Test("a start belongs to the image and the class that it leads to, in whatever order the classes are tried") func startsByTarget() {
    let images = randomImages(4, shape)
    let zero = [Float](repeating: 0, count: 12)
    func asked(_ bias: [Float], _ ids: [Int]) -> [Tensor] {
      let recorder = Recorder(LinearClassifier(shape, weights: [zero, zero, zero], bias: bias))
      let examples = Examples(images: images, labels: [0, 0, 0, 0], ids: ids, seed: 1)
      let threat = Threat(norm: .linf, epsilon: 0.2)
      _ = AttackSettings(.apgdT, ["steps": 1]).attack(for: threat, keep: .firstMisclassified).perturb(
        examples, of: recorder, threat: threat)
      return recorder.asked
    }
    let forwards = asked([3, 2, 1], [0, 1, 2, 3])
    #expect(forwards.count == 2 && forwards[0] != forwards[1])
    #expect(asked([3, 1, 2], [0, 1, 2, 3]) == forwards.reversed())
    #expect(asked([3, 2, 1], [4, 5, 6, 7])[0] != forwards[0])
  }

  @Test("a further restart starts elsewhere", arguments: all) func restarts(definition: AttackDefinition) {
    let classifier = LinearClassifier(shape, classes: 3, seed: 4)
    var examples = rightly(randomImages(4, shape), by: classifier)
    func first() -> Tensor? {
      let recorder = Recorder(classifier)
      let threat = Threat(norm: .linf, epsilon: 0.2)
      _ = AttackSettings(definition, ["steps": 1]).attack(for: threat, keep: .last).perturb(examples, of: recorder, threat: threat)
      return recorder.asked.first
    }
    let before = first()
    examples.round = 1
    #expect(first() != before)
  }

  @Test("apgd_t tries as many classes as are asked for, and no more than there are") func targets() {
    func gradients(_ classes: Int, _ targets: Int) -> Int {
      let classifier = LinearClassifier(shape, classes: classes, seed: 4)
      let examples = rightly(randomImages(2, shape), by: classifier)
      let settings = AttackSettings(.apgdT, ["steps": 3, "targets": .int(Int64(targets))])
      return settings.adversary(for: Threat(norm: .linf, epsilon: 0), keep: .firstMisclassified).run(examples, of: classifier).cost
        .gradientEvaluations
    }
    #expect(gradients(12, 9) == 2 * 3 * 9)
    #expect(gradients(12, 4) == 2 * 3 * 4)
    #expect(gradients(2, 9) == 2 * 3)
    #expect(gradients(1, 9) == 0)
  }

  @Test("it is cancelled within one iteration", arguments: all) func cancelled(definition: AttackDefinition) {
    let classifier = LinearClassifier(shape, classes: 4, seed: 4)
    let examples = rightly(randomImages(2, shape), by: classifier)
    for limit in [1, 2, 5, 12] {
      let before = classifier.gradientBatches.count
      var calls = 0
      #expect(throws: Interruption.self) {
        let attack = AttackSettings(definition, ["steps": 12]).attack(for: Threat(norm: .linf, epsilon: 0), keep: .firstMisclassified)
        _ = try attack.perturb(examples, of: classifier, threat: Threat(norm: .linf, epsilon: 0)) {
          calls += 1
          if calls == limit { throw Interruption() }
        }
      }
      #expect((limit - 2..<limit).contains(classifier.gradientBatches.count - before))
    }
  }
}
