import Attacks
import Foundation
import TensorEngine
import Testing

/// What attacks find, beside what there is to find.
@Suite("Attacks against models whose robust accuracy is known") struct RobustTruthTests {
  private static let shape: Shape = [8, 8, 1]
  private static let count = 200

  /// How many more than are robust an attack that is strong leaves correct, at most. In L1 auto-PGD alone does not reach every corner.
  private static func slack(of definition: AttackDefinition, _ norm: Norm) -> Int? {
    switch definition.name {
    case "autoattack": 1
    case "apgd_t": norm == .l1 ? 4 : 1
    default: nil
    }
  }
  private static let images = randomImages(count, shape)

  private func classifier(_ classes: Int, scale: Float = 1, offset: Float = 0) -> LinearClassifier {
    let weights = LinearClassifier(Self.shape, classes: classes, seed: 11).weights.map { $0.map { scale * $0 } }
    return LinearClassifier(Self.shape, weights: weights, bias: [Float](repeating: offset, count: classes))
  }

  private func correct(_ settings: AttackSettings, _ threat: Threat, _ examples: Examples, of classifier: any Classifier) -> [Bool] {
    settings.adversary(for: threat, keep: .firstMisclassified).run(examples, of: classifier).misclassified.map { !$0 }
  }

  private func correctCount(_ settings: AttackSettings, _ threat: Threat, _ examples: Examples, of classifier: any Classifier) -> Int {
    correct(settings, threat, examples, of: classifier).count { $0 }
  }

  @Test(
    "on a linear model autoattack, and but for L1 apgd_t, leave as many correct as are robust, to one in 200, and no attack leaves fewer",
    arguments: [2, 3, 4, 10],
    Norm.allCases)
  func linear(classes: Int, norm: Norm) {
    let model = classifier(classes)
    let examples = rightly(Self.images, by: model)
    for truth in [40, 120] {
      let threat = Threat(norm: norm, epsilon: model.epsilon(norm, leaving: truth, of: examples))
      for definition in AttackCatalogue.all where definition.goal == .bounded {
        let left = correctCount(AttackSettings(definition), threat, examples, of: model)
        #expect(left >= truth - 1, "\(definition.name) leaves \(left) of \(truth)")
        guard let slack = Self.slack(of: definition, norm) else { continue }
        #expect(left <= truth + slack, "\(definition.name) leaves \(left) of \(truth)")
      }
    }
  }

  @Test(
    "neither a scale of the logits nor a sum added to all of them hides anything from apgd_t and autoattack",
    arguments: [(1_000, 0), (1e-6, 0), (1, 10_000)] as [(Float, Float)], Norm.allCases)
  func scales(change: (scale: Float, offset: Float), norm: Norm) {
    let model = classifier(4, scale: change.scale, offset: change.offset)
    let examples = rightly(Self.images, by: model)
    let threat = Threat(norm: norm, epsilon: model.epsilon(norm, leaving: 60, of: examples))
    for definition in [AttackDefinition.apgdT, .autoattack] {
      let left = correctCount(AttackSettings(definition), threat, examples, of: model)
      #expect(left >= 59 && left <= 60 + (Self.slack(of: definition, norm) ?? 0), "\(definition.name) leaves \(left)")
    }
  }

  @Test("PGD on the cross-entropy leaves far more correct than are robust: why it carries no verdict", arguments: Norm.allCases)
  func crossEntropyIsTooWeak(norm: Norm) {
    let pgd = AttackSettings(.pgd, ["steps": 100])
    // Where softmax saturates, the gradient of the cross-entropy is zero.
    let saturated = classifier(4, scale: 1_000)
    let examples = rightly(Self.images, by: saturated)
    let threat = Threat(norm: norm, epsilon: saturated.epsilon(norm, leaving: 20, of: examples))
    #expect(correctCount(pgd, threat, examples, of: saturated) > 150)
  }

  @Test("nothing makes a constant output wrong, and nothing comes of its gradients but that they are zero")
  func constant() {
    let model = classifier(10, scale: 0)
    let examples = rightly(Self.images, by: model)
    for norm in Norm.allCases {
      for definition in [AttackDefinition.apgdCE, .apgdDLR, .apgdT] {
        let result = AttackSettings(definition, ["steps": 10]).adversary(
          for: Threat(norm: norm, epsilon: 0.3), keep: .firstMisclassified
        ).run(examples, of: model)
        #expect(!result.misclassified.contains(true))
        #expect(!result.breaches.contains(true))
        #expect(result.faults == [GradientFault?](repeating: .zero, count: Self.count))
      }
    }
  }

  @Test(
    "on a ReLU network small enough to be enumerated apgd_t leaves at most one in 50 too many correct, from ten starts one in 200",
    arguments: [2, 3, 5])
  func enumerated(classes: Int) {
    let model = ReLUClassifier(
      [1, 3, 1], hidden: Formula.table(8, 3) { 1.5 * sin(1 + 2.3 * $0 + 1.7 * $1) },
      bias: (0..<8).map { Float(0.8 * sin(2 + 1.9 * Double($0))) },
      output: Formula.table(classes, 8) { sin(5 + 3.1 * $0 + 1.3 * $1) })
    let images = randomImages(Self.count, model.inputShape)
    let examples = Examples(images: images, labels: model.logits(of: images).argmax(), ids: Array(0..<Self.count), seed: 1)
    for epsilon in [0.03, 0.08, 0.15] {
      let threat = Threat(norm: .linf, epsilon: epsilon)
      let truth = model.robust(examples, threat)
      #expect(truth.contains(true) && truth.contains(false))
      // A local maximum may hold a search: the authors' code, too, leaves up to three of 200 too many.
      for (settings, slack) in [
        (AttackSettings(.apgdT), 4), (AttackSettings(.apgdT, ["restarts": 10]), 1), (AttackSettings(.autoattack), 3),
      ] {
        let left = correct(settings, threat, examples, of: model)
        #expect(zip(truth, left).allSatisfy { !$0 || $1 }, "an example is misclassified that no perturbation makes wrong")
        #expect(zip(truth, left).count { !$0 && $1 } <= slack)
      }
    }
  }
}
