import Attacks
import TensorEngine
import Testing

/// Moves every image by the same amount, whatever the threat allows.
private struct Shove: Attack {
  var by: Float
  var cost: AttackCost { AttackCost() }
  func perturb(_ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void) rethrows -> Tensor {
    var images = examples.images
    images.values = images.values.map { $0 + by }
    return images
  }
}

private struct Interruption: Error {}

@Suite("The adversary") struct AdversaryTests {
  private let shape: Shape = [3, 4, 1]
  private let threat = Threat(norm: .linf, epsilon: 0.1)

  @Test("what an attack returns outside the ball is projected, and counted as a breach") func projects() {
    let classifier = LinearClassifier(shape, classes: 3, seed: 2)
    let examples = rightly(randomImages(8, shape, in: 0.3...0.7), by: classifier)
    let result = Adversary(attack: Shove(by: 0.2), threat: threat).run(examples, of: classifier)
    #expect(result.breaches == [Bool](repeating: true, count: 8))
    #expect(threat.distances(of: result.images, from: examples.images).allSatisfy { $0 <= 0.1 + 1e-6 })
    let trained = Adversary(attack: Shove(by: 0.2), threat: threat).perturb(examples, of: classifier)
    #expect(threat.distances(of: trained, from: examples.images).allSatisfy { $0 <= 0.1 + 1e-6 })
  }

  @Test("an attack within its bound breaches nothing") func noBreach() {
    let classifier = LinearClassifier(shape, classes: 3, seed: 2)
    let examples = rightly(randomImages(8, shape, in: 0.3...0.7), by: classifier)
    for definition in AttackCatalogue.all where definition.norms.contains(.linf) {
      let result = AttackSettings(quick: definition).adversary(for: threat, keep: .firstMisclassified).run(examples, of: classifier)
      #expect(!result.breaches.contains(true))
      #expect(!result.unrepeatable.contains(true))
    }
  }

  @Test("NaN is a breach, and never reaches the result") func notANumber() {
    let classifier = LinearClassifier(shape, classes: 3, seed: 2)
    let examples = rightly(randomImages(2, shape), by: classifier)
    let result = Adversary(attack: Shove(by: .nan), threat: threat).run(examples, of: classifier)
    #expect(result.breaches == [true, true])
    #expect(result.images.values.allSatisfy { (0...1).contains($0) })
  }

  @Test("restarts never make it weaker: who falls to few restarts falls to many") func restarts() {
    let classifier = LinearClassifier(shape, classes: 5, seed: 3)
    let examples = rightly(randomImages(64, shape), by: classifier)
    func fallen(_ restarts: Int) -> [Bool] {
      Adversary(attack: UniformNoise(), threat: Threat(norm: .linf, epsilon: 0.3), restarts: restarts)
        .run(examples, of: classifier).misclassified
    }
    let few = fallen(1)
    let many = fallen(12)
    #expect(zip(few, many).allSatisfy { !$0 || $1 })
    #expect(many.count { $0 } > few.count { $0 })
  }

  @Test("an example that has fallen is not attacked again, and every pass is counted by example") func counts() {
    let classifier = LinearClassifier(shape, classes: 5, seed: 3)
    let examples = rightly(randomImages(64, shape), by: classifier)
    let before = classifier.forwardBatches.count
    let result = Adversary(attack: UniformNoise(), threat: Threat(norm: .linf, epsilon: 0.3), restarts: 4).run(
      examples, of: classifier)
    let batches = classifier.forwardBatches.dropFirst(before)
    #expect(result.cost == AttackCost(gradientEvaluations: 0, forwardPasses: batches.reduce(0, +)))
    let runs = Array(batches.dropLast())
    #expect(runs.count == 4 && runs[0] == 64)
    #expect(zip(runs, runs.dropFirst()).allSatisfy { $0 > $1 })
    let steady = AttackSettings(.pgd, ["steps": 7, "restarts": 2]).adversary(
      for: Threat(norm: .linf, epsilon: 0), keep: .firstMisclassified)
    #expect(steady.run(examples, of: classifier).cost == AttackCost(gradientEvaluations: 64 * 14, forwardPasses: 64 * 2))
  }

  @Test("an attack without randomness runs once whatever the restarts") func runsOnce() {
    let classifier = LinearClassifier(shape, classes: 5, seed: 3)
    let examples = rightly(randomImages(8, shape), by: classifier)
    let result = AttackSettings(.fgsm, ["restarts": 9]).adversary(for: threat, keep: .last).run(examples, of: classifier)
    #expect(result.cost.gradientEvaluations == 8)
  }

  @Test("of runs that all fail the image of the highest loss is kept") func keepsBest() {
    // One class can never be beaten, so nothing falls.
    let classifier = LinearClassifier(shape, weights: LinearClassifier(shape, classes: 2, seed: 1).weights, bias: [50, 0])
    let examples = rightly(randomImages(4, shape), by: classifier)
    let noise = Threat(norm: .linf, epsilon: 0.3)
    func losses(_ restarts: Int) -> [Float] {
      Adversary(attack: UniformNoise(), threat: noise, restarts: restarts).run(examples, of: classifier).losses
    }
    var single: [[Float]] = []
    for round in 0..<5 {
      var shifted = examples
      shifted.round = round
      single.append(Adversary(attack: UniformNoise(), threat: noise).run(shifted, of: classifier).losses)
    }
    #expect(losses(5) == (0..<4).map { row in single.map { $0[row] }.max() ?? 0 })
  }

  @Test("a model that answers otherwise the second time is found out") func unrepeatable() {
    let classifier = LinearClassifier(shape, classes: 3, seed: 2)
    let examples = rightly(randomImages(8, shape), by: classifier)
    let calls = classifier.forwardBatches.count
    // The first prediction of the found images is wrong, the second right.
    classifier.disturb = { call, logits in
      guard call == calls else { return }
      for row in 0..<logits.batch { logits.values[row * 3 + (examples.labels[row] + 1) % 3] += 1000 }
    }
    let result = Adversary(attack: Shove(by: 0), threat: threat).run(examples, of: classifier)
    #expect(result.unrepeatable == [Bool](repeating: true, count: 8))
  }

  @Test("gradients that are zero, NaN or infinite at the start are reported by example") func faults() {
    let classifier = LinearClassifier(shape, classes: 3, seed: 2)
    let examples = rightly(randomImages(4, shape), by: classifier)
    classifier.spoil = { gradient in
      guard gradient.batch == 4 else { return }
      for index in 0..<12 { gradient.values[12 + index] = 0 }
      gradient.values[2 * 12] = .nan
      gradient.values[3 * 12] = .infinity
    }
    let attack = AttackSettings(.fgsm).adversary(for: threat, keep: .last)
    #expect(attack.run(examples, of: classifier).faults == [nil, .zero, .notFinite, .notFinite])
  }

  @Test("a model whose logits are NaN is never right") func notANumberLogits() {
    let classifier = LinearClassifier(shape, weights: LinearClassifier(shape, classes: 3, seed: 2).weights, bias: [.nan, 0, 0])
    let examples = Examples(images: randomImages(4, shape), labels: [0, 0, 1, 2], ids: [0, 1, 2, 3], seed: 0)
    #expect(
      AttackSettings(.pgd).adversary(for: threat, keep: .firstMisclassified).run(examples, of: classifier).misclassified == [
        true, true, true, true,
      ])
  }

  @Test("the control interrupts between iterations and between runs, in evaluation and in training") func interrupted() {
    let classifier = LinearClassifier(shape, classes: 5, seed: 3)
    let examples = rightly(randomImages(8, shape), by: classifier)
    func passes(until limit: Int, _ attack: (() throws -> Void) throws -> Void) -> Int {
      let before = classifier.gradientBatches.count
      var calls = 0
      #expect(throws: Interruption.self) {
        try attack {
          calls += 1
          if calls == limit { throw Interruption() }
        }
      }
      return classifier.gradientBatches.count - before
    }
    let unmoved = Threat(norm: .linf, epsilon: 0)
    let twice = AttackSettings(.pgd, ["steps": 2, "restarts": 2]).adversary(for: unmoved, keep: .last)
    // A run asks before it begins and before each of its two steps.
    for (limit, expected) in [(1, 0), (2, 0), (3, 1), (4, 2), (5, 2), (6, 3)] {
      #expect(passes(until: limit) { _ = try twice.run(examples, of: classifier, control: $0) } == expected)
    }
    for definition in AttackCatalogue.all where definition.access == .gradients {
      let adversary = AttackSettings(definition).adversary(for: unmoved, keep: .last)
      #expect(passes(until: 1) { _ = try adversary.perturb(examples, of: classifier, control: $0) } == 0)
    }
  }

  @Test("no attack asks the model more than three times between two questions of the control", arguments: AttackCatalogue.all)
  func asksOften(definition: AttackDefinition) throws {
    let classifier = LinearClassifier(shape, classes: 5, seed: 3)
    let examples = rightly(randomImages(8, shape), by: classifier)
    let threat = Threat(norm: definition.norms[0], epsilon: 0.05)
    let parts = AttackSettings(definition).parts(in: threat.norm) ?? [AttackSettings(definition)]
    let attack = AttackSequence(parts.map { AttackSettings(quick: $0.definition) }, keep: .firstMisclassified)
    var calls: [Int] = []
    func count() -> Int { classifier.forwardBatches.count + classifier.gradientBatches.count }
    _ = Adversary(attack: attack, threat: threat).run(examples, of: classifier) { calls.append(count()) }
    #expect(calls.count > 1)
    #expect(zip(calls, calls.dropFirst()).allSatisfy { $1 - $0 <= 3 })
  }

  @Test("an attack that looks for the nearest misclassified image may pass epsilon, but not leave the box or return NaN")
  func minimalDistance() {
    let classifier = LinearClassifier(shape, classes: 3, seed: 2)
    let examples = rightly(randomImages(8, shape, in: 0.3...0.7), by: classifier)
    func breaches(_ by: Float) -> [Bool] {
      Adversary(attack: Shove(by: by), threat: threat, goal: .minimalDistance).run(examples, of: classifier).breaches
    }
    #expect(breaches(0.2) == [Bool](repeating: false, count: 8))
    #expect(breaches(0.8) == [Bool](repeating: true, count: 8))
    #expect(breaches(.nan) == [Bool](repeating: true, count: 8))
    let result = Adversary(attack: Shove(by: 0.2), threat: threat, goal: .minimalDistance).run(examples, of: classifier)
    #expect(threat.distances(of: result.images, from: examples.images).allSatisfy { $0 <= 0.1 + 1e-6 })
  }
}
