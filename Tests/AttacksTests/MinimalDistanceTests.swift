import Attacks
import JSON
import TensorEngine
import Testing

@Suite("Attacks that look for the nearest image") struct MinimalDistanceTests {
  private static let shape: Shape = [4, 4, 1]

  /// An attack, the norm, and by how much of the distance it may miss the closed form.
  private struct Case: Sendable, CustomStringConvertible {
    let name: String
    let norm: Norm
    let slack: Double
    let attack: any Attack
    var description: String { "\(name) in \(norm.symbol)" }
  }

  private static let cases =
    Norm.allCases.map { Case(name: "FAB-T", norm: $0, slack: 0.01, attack: FABT(goal: .minimalDistance)) }
    + AttackDefinition.deepfool.norms.map { Case(name: "DeepFool", norm: $0, slack: 0.03, attack: DeepFool()) } + [
      Case(name: "C&W", norm: .l2, slack: 0.03, attack: CW())
    ]

  @Test("on a linear model the distance is the margin over the dual norm", arguments: cases, [2, 3, 5])
  private func closedForm(_ tested: Case, classes: Int) throws {
    let classifier = LinearClassifier(Self.shape, classes: classes, seed: 12)
    let examples = inland(8, of: classifier, in: tested.norm)
    try #require(examples.count == 8)
    let exact = boundaryDistances(examples, of: classifier, in: tested.norm)
    // An epsilon of 0: what is found lies beyond it.
    let adversary = Adversary(attack: tested.attack, threat: Threat(norm: tested.norm, epsilon: 0), goal: .minimalDistance)
    let result = adversary.run(examples, of: classifier)
    #expect(!result.breaches.contains(true))
    #expect(!result.misclassified.contains(true))
    for (found, exact) in zip(result.distances, exact) {
      let found = try #require(found)
      #expect(found >= exact - 1e-5)
      // A step of DeepFool is 1e-4 longer than the way, and a pixel of C&W 1e-6 off.
      #expect(found <= exact * (1 + tested.slack) + 3e-4)
    }
  }

  @Test("FAB-T goes round the corners of the box: its distance is the least in ball and box together", arguments: Norm.allCases)
  func inTheBox(norm: Norm) throws {
    let classifier = LinearClassifier(Self.shape, classes: 4, seed: 12)
    // Half of the pixels at the walls.
    var images = randomImages(24, Self.shape, in: -0.5...1.5)
    images.clamp(to: Threat.box)
    let examples = rightly(images, by: classifier)
    let exact = boxedDistances(examples, of: classifier, in: norm)
    let free = boundaryDistances(examples, of: classifier, in: norm)
    #expect(zip(exact, free).count { $0 > 1.1 * $1 } > 6)
    let adversary = Adversary(attack: FABT(goal: .minimalDistance), threat: Threat(norm: norm, epsilon: 0), goal: .minimalDistance)
    for (found, exact) in zip(adversary.run(examples, of: classifier).distances, exact) where exact.isFinite {
      let found = try #require(found)
      #expect(found >= exact - 1e-5 && found <= 1.012 * exact + 1e-5)
    }
  }

  @Test("the evaluation counts those within epsilon, and each has its distance", arguments: cases)
  private func counted(_ tested: Case) throws {
    let classifier = LinearClassifier(Self.shape, classes: 4, seed: 12)
    let examples = inland(16, of: classifier, in: tested.norm)
    let exact = boundaryDistances(examples, of: classifier, in: tested.norm)
    let epsilon = exact.sorted()[examples.count / 2] + 0.003
    let threat = Threat(norm: tested.norm, epsilon: epsilon)
    let result = Adversary(attack: tested.attack, threat: threat, goal: .minimalDistance).run(examples, of: classifier)
    #expect(result.distances.allSatisfy { $0 != nil })
    #expect(threat.distances(of: result.images, from: examples.images).allSatisfy { $0 <= epsilon + 1e-6 })
    for (row, exact) in exact.enumerated() where abs(exact - epsilon) > 0.03 * epsilon + 3e-4 {
      #expect(result.misclassified[row] == (exact < epsilon))
    }
  }

  @Test("a larger scale of the logits, or a smaller one, changes no distance", arguments: cases, [Float(1e-6), 1000])
  private func scale(_ tested: Case, factor: Float) throws {
    // C&W weighs margins against distances by constants of its own, of which nine cannot meet every scale.
    guard tested.name != "C&W" else { return }
    let plain = LinearClassifier(Self.shape, classes: 3, seed: 12)
    let scaled = LinearClassifier(Self.shape, weights: plain.weights.map { $0.map { factor * $0 } })
    let examples = inland(8, of: plain, in: tested.norm)
    func distances(_ classifier: LinearClassifier) -> [Double] {
      Adversary(attack: tested.attack, threat: Threat(norm: tested.norm, epsilon: 0), goal: .minimalDistance)
        .run(examples, of: classifier).distances.map { $0 ?? .infinity }
    }
    for (one, other) in zip(distances(plain), distances(scaled)) { #expect(abs(one - other) <= 0.005 * one) }
  }

  @Test("without a misclassified image there is no distance, and the model is never said to be broken", arguments: cases)
  private func unbeatable(_ tested: Case) {
    let classifier = LinearClassifier(Self.shape, weights: LinearClassifier(Self.shape, classes: 3, seed: 12).weights, bias: [1e4, 0, 0])
    let examples = rightly(randomImages(4, Self.shape), by: classifier)
    var attack = tested.attack
    if var cw = attack as? CW {
      cw.steps = 50
      attack = cw
    }
    let result = Adversary(attack: attack, threat: Threat(norm: tested.norm, epsilon: 0.3), goal: .minimalDistance)
      .run(examples, of: classifier)
    #expect(result.distances == [nil, nil, nil, nil])
    #expect(!result.misclassified.contains(true) && !result.breaches.contains(true))
  }

  @Test("C&W's confidence keeps another class ahead by that much, at a greater distance") func confidence() throws {
    let classifier = LinearClassifier(Self.shape, classes: 3, seed: 12)
    let examples = inland(6, of: classifier, in: .l2)
    let threat = Threat(norm: .l2, epsilon: 10)
    func found(_ confidence: Double) -> (images: Tensor, distances: [Double]) {
      let result = AttackSettings(.cw, ["confidence": .number(confidence)]).adversary(for: threat, keep: .last).run(
        examples, of: classifier)
      return (result.images, result.distances.map { $0 ?? .infinity })
    }
    let (usual, sure) = (found(0), found(0.5))
    let logits = classifier.logits(of: sure.images)
    for row in 0..<examples.count {
      let other = (0..<3).filter { $0 != examples.labels[row] }.map { logits.values[3 * row + $0] }.max() ?? 0
      #expect(other - logits.values[3 * row + examples.labels[row]] >= 0.5 - 1e-4)
      #expect(sure.distances[row] > usual.distances[row])
    }
  }

  @Test("FAB-T in an evaluation ends with the first image within epsilon, and returns nothing beyond it", arguments: Norm.allCases)
  func bounded(norm: Norm) {
    let classifier = LinearClassifier(Self.shape, classes: 4, seed: 12)
    let examples = inland(16, of: classifier, in: norm)
    let exact = boundaryDistances(examples, of: classifier, in: norm)
    let epsilon = exact.sorted()[examples.count / 2] * 1.01
    let before = classifier.gradientBatches.count
    let result = AttackSettings(.fabT).adversary(for: Threat(norm: norm, epsilon: epsilon), keep: .firstMisclassified)
      .run(examples, of: classifier)
    for (row, exact) in exact.enumerated() where abs(exact - epsilon) > 0.005 * epsilon {
      #expect(result.misclassified[row] == (exact < epsilon))
    }
    #expect(!result.breaches.contains(true))
    let batches = classifier.gradientBatches.dropFirst(before)
    #expect(batches.count == 300)
    #expect(batches.last == result.misclassified.count { !$0 })
  }
}
