import Attacks
import TensorEngine
import Testing

@Suite("A model with a copy in reduced precision") struct ReducedPrecisionTests {
  private let shape: Shape = [4, 4, 1]
  private let threat = Threat(norm: .linf, epsilon: 0.1)
  private let exact = LinearClassifier([4, 4, 1], classes: 4, seed: 3)

  private var examples: Examples { rightly(randomImages(48, shape, in: 0.2...0.8), by: exact) }

  /// The exact one with its weights cut to the eight leading bits of bfloat16.
  private var rounded: LinearClassifier {
    LinearClassifier(
      shape, weights: exact.weights.map { $0.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) } })
  }

  /// Nothing that it says is right.
  private var wrong: LinearClassifier { LinearClassifier(shape, weights: exact.weights.map { $0.map(-) }) }

  private static let allowed = AttackCatalogue.all.filter(\.allowsReduced)
  private static let others = AttackCatalogue.all.filter { !$0.allowsReduced && $0.parts == nil }

  private func run(_ definition: AttackDefinition, on classifier: any Classifier) -> AttackResult {
    AttackSettings(quick: definition).adversary(for: threat, keep: .firstMisclassified).run(examples, of: classifier)
  }

  @Test("is searched by the copy where the attack allows it, and misclassifies as many images", arguments: allowed)
  func searches(_ definition: AttackDefinition) {
    let (alone, copy) = (run(definition, on: exact), rounded)
    let asked = exact.gradientBatches.count
    let mixed = run(definition, on: MixedClassifier(exact: exact, reduced: copy))
    #expect(exact.gradientBatches.count == asked && !copy.gradientBatches.isEmpty)
    #expect(mixed.misclassified == alone.misclassified)
    #expect(mixed.misclassified.contains(true) && mixed.misclassified.contains(false))
  }

  @Test("is never misclassified by the word of the copy alone", arguments: allowed)
  func confirms(_ definition: AttackDefinition) {
    let result = run(definition, on: MixedClassifier(exact: exact, reduced: wrong))
    #expect(exact.logits(of: result.images).predictions() == result.predictions)
    // It takes every image for misclassified, and hardly any is.
    #expect(result.misclassified.count { $0 } < 3)
  }

  @Test("is asked itself by attacks that measure distances or ask for logits alone", arguments: others)
  func exactAlone(_ definition: AttackDefinition) {
    guard definition.norms.contains(threat.norm) else { return }
    let copy = rounded
    let mixed = run(definition, on: MixedClassifier(exact: exact, reduced: copy))
    #expect(copy.gradientBatches.isEmpty && copy.forwardBatches.isEmpty)
    #expect(mixed.images.values == run(definition, on: exact).images.values)
  }

  @Test("counts what both of them are asked") func cost() {
    let settings = AttackSettings(.pgd, ["steps": 5, "random_start": false])
    let copy = rounded
    let before = exact.forwardBatches.reduce(0, +)
    let result = settings.adversary(for: threat, keep: .firstMisclassified)
      .run(examples, of: MixedClassifier(exact: exact, reduced: copy))
    // `examples` asks for their labels.
    let asked = exact.forwardBatches.reduce(0, +) - before - 48
    #expect(result.cost == AttackCost(gradientEvaluations: copy.gradientBatches.reduce(0, +), forwardPasses: asked))
  }
}
