import Attacks
import Foundation
import TensorEngine
import Testing

@Suite("Gradient attacks on a linear model") struct PGDTests {
  private let shape: Shape = [3, 4, 1]

  /// Two classes, far enough from the box that it never cuts: logit 1 − logit 0 = w·x, so the margin changes by w·δ.
  private func margins(_ threat: Threat, _ attack: any Attack) -> (change: [Double], slope: [Double]) {
    let w = LinearClassifier(shape, classes: 1, seed: 8).weights[0]
    let classifier = LinearClassifier(shape, weights: [[Float](repeating: 0, count: 12), w])
    let clean = randomImages(8, shape, in: 0.45...0.55)
    // The true class is 0: raising the loss means raising w·x.
    let examples = Examples(images: clean, labels: [Int](repeating: 0, count: 8), ids: Array(0..<8), seed: 1)
    let found = attack.perturb(examples, of: classifier, threat: threat)
    let change = (0..<8).map { row in
      zip(w, zip(found[example: row], clean[example: row])).reduce(0.0) { $0 + Double($1.0) * (Double($1.1.0) - Double($1.1.1)) }
    }
    return (change, w.map(Double.init))
  }

  @Test("FGSM changes the margin by ε‖w‖₁, the most that the L∞ ball allows") func singleStep() {
    let threat = Threat(norm: .linf, epsilon: 0.1)
    let (change, slope) = margins(threat, AttackSettings(.fgsm).attack(for: threat, keep: .last))
    for value in change { #expect(abs(value - 0.1 * dualLength(slope, .linf)) < 1e-5) }
  }

  @Test("PGD from a random start changes the margin by ε times the slope's dual norm", arguments: Norm.allCases)
  func manySteps(norm: Norm) {
    let threat = Threat(norm: norm, epsilon: 0.1)
    // Steps of a quarter of the ball: what a random start put across the gradient shrinks by a fifth with each.
    let (change, slope) = margins(threat, AttackSettings(.pgd, ["steps": 40, "step_size": 0.025]).attack(for: threat, keep: .last))
    let most = 0.1 * dualLength(slope, norm)
    for value in change {
      #expect(value <= most + 1e-5)
      #expect(value >= most - 1e-5)
    }
  }

  @Test("one step from the clean image in L2 changes the margin by ε‖w‖₂") func singleEuclideanStep() {
    let threat = Threat(norm: .l2, epsilon: 0.1)
    let (change, slope) = margins(threat, AttackSettings(.fgsm).attack(for: threat, keep: .last))
    for value in change { #expect(abs(value - 0.1 * dualLength(slope, .l2)) < 1e-5) }
  }

  @Test(
    "no attack returns anything outside ball and box, or NaN, even where gradients are zero, NaN or infinite",
    arguments: AttackCatalogue.all, Norm.allCases)
  func staysInBounds(definition: AttackDefinition, norm: Norm) {
    guard definition.norms.contains(norm) else { return }
    let threat = Threat(norm: norm, epsilon: 0.2)
    let images = randomImages(16, shape)
    for bad in [Float?.none, 0, .nan, .infinity] {
      let classifier = LinearClassifier(shape, classes: 5, seed: 4)
      let examples = rightly(images, by: classifier)
      if let bad {
        classifier.spoil = { gradient in gradient.values = gradient.values.indices.map { $0 % 3 == 0 || bad == 0 ? bad : 0.5 } }
      }
      for keep in [Keep.last, .firstMisclassified] {
        let attack = definition.quick(for: threat, keep: keep)
        let found = attack.perturb(examples, of: classifier, threat: threat)
        #expect(found.shape == images.shape)
        #expect(found.values.allSatisfy { (0...1).contains($0) })
        let mayPass = definition.goal == .minimalDistance
        #expect(threat.distances(of: found, from: images).allSatisfy { $0 <= (mayPass ? .infinity : 0.2 + 1e-6) })
      }
    }
  }

  @Test("a zero gradient in L2 is a zero step") func zeroStep() {
    let threat = Threat(norm: .l2, epsilon: 0.2)
    let classifier = LinearClassifier(shape, classes: 3, seed: 4)
    classifier.spoil = { gradient in gradient.values = gradient.values.map { _ in 0 } }
    let examples = rightly(randomImages(4, shape), by: classifier)
    let attack = PGD(steps: 5, stepSize: 0.1, randomStart: false, keep: .last)
    #expect(attack.perturb(examples, of: classifier, threat: threat) == examples.images)
  }

  @Test(
    "every attack gives an example the same image alone, in any batch and in any order", arguments: AttackCatalogue.all,
    Norm.allCases)
  func batchChangesNothing(definition: AttackDefinition, norm: Norm) {
    guard definition.norms.contains(norm) else { return }
    let threat = Threat(norm: norm, epsilon: 0.15)
    let classifier = LinearClassifier(shape, classes: 5, seed: 6)
    let all = rightly(randomImages(32, shape), by: classifier)
    for keep in [Keep.last, .firstMisclassified] {
      let attack = definition.quick(for: threat, keep: keep)
      let together = attack.perturb(all, of: classifier, threat: threat)
      let backwards = attack.perturb(all.gathered(Array((0..<32).reversed())), of: classifier, threat: threat)
      for row in 0..<32 {
        let alone = attack.perturb(all.gathered([row]), of: classifier, threat: threat)
        #expect(Array(alone.values) == Array(together[example: row]))
        #expect(Array(backwards[example: 31 - row]) == Array(together[example: row]))
      }
    }
  }

  @Test("an example that falls leaves the batch, and is never lost again by a later step") func fallenLeave() {
    let threat = Threat(norm: .linf, epsilon: 0.05)
    let classifier = LinearClassifier(shape, classes: 5, seed: 6)
    let examples = rightly(randomImages(32, shape), by: classifier)
    func misclassified(_ keep: Keep) -> [Bool] {
      let attack = AttackSettings(.pgd, ["steps": 20]).attack(for: threat, keep: keep)
      let predicted = classifier.logits(of: attack.perturb(examples, of: classifier, threat: threat)).argmax()
      return zip(predicted, examples.labels).map { $0 != $1 }
    }
    let last = misclassified(.last)
    let kept = misclassified(.firstMisclassified)
    #expect(zip(last, kept).allSatisfy { !$0 || $1 })
    #expect(kept.contains(true) && kept.contains(false))
    let batches = classifier.gradientBatches.suffix(20)
    #expect(batches.first == 32)
    #expect(batches.last == kept.count { !$0 })
    #expect(zip(batches, batches.dropFirst()).allSatisfy { $0 >= $1 })
  }

  @Test("a start that is given is where it starts") func givenStart() {
    let threat = Threat(norm: .linf, epsilon: 0.2)
    let classifier = LinearClassifier(shape, classes: 3, seed: 4)
    var examples = rightly(randomImages(4, shape, in: 0.3...0.7), by: classifier)
    var start = examples.images
    start.add(0.01, times: Tensor(start.shape, values: [Float](repeating: 1, count: start.values.count)))
    examples.starts = start
    let attack = PGD(steps: 0, stepSize: 0.1, randomStart: true, keep: .last)
    #expect(attack.perturb(examples, of: classifier, threat: threat) == start)
  }

  @Test("the round changes a random start") func roundsDiffer() {
    let threat = Threat(norm: .linf, epsilon: 0.2)
    let classifier = LinearClassifier(shape, classes: 3, seed: 4)
    var examples = rightly(randomImages(4, shape), by: classifier)
    let attack = PGD(steps: 0, stepSize: 0, randomStart: true, keep: .last)
    let first = attack.perturb(examples, of: classifier, threat: threat)
    examples.round = 1
    #expect(attack.perturb(examples, of: classifier, threat: threat) != first)
  }
}
