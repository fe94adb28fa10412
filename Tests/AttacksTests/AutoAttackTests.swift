import Attacks
import JSON
import TensorEngine
import Testing

@Suite("AutoAttack") struct AutoAttackTests {
  private let threat = Threat(norm: .linf, epsilon: 0.1)

  private func labels(_ settings: AttackSettings) -> [String] { (settings.parts(in: .linf) ?? []).map(\.label) }

  @Test("it is the authors' four attacks at the authors' budgets, and two on a network with randomness") func versions() {
    let standard = ["apgd_ce-100", "apgd_t-100", "fab_t-100", "square-5000"]
    let open = AttackSettings(.autoattack)
    #expect(labels(open) == standard)
    #expect(labels(open.completed(forRandomised: false)) == standard)
    #expect(open.completed(forRandomised: false)["version"] == "standard")
    let random = open.completed(forRandomised: true)
    #expect(random["version"] == "rand")
    #expect(labels(random) == ["apgd_ce-100-eot_samples20", "apgd_dlr-100-eot_samples20"])
    // What is given stays, and an attack without such fields is as it was.
    #expect(AttackSettings(.autoattack, ["version": "rand"]).completed(forRandomised: false)["version"] == "rand")
    #expect(AttackSettings(.pgd).completed(forRandomised: true) == AttackSettings(.pgd))
  }

  @Test("it costs what its parts cost, with a prediction of what each found") func cost() {
    #expect(AttackSettings(.autoattack).cost == AttackCost(gradientEvaluations: 1_900, forwardPasses: 1 + 10 + 901 + 5_001 + 4))
    #expect(AttackSettings(.autoattack, ["version": "rand"]).cost == AttackCost(gradientEvaluations: 4_000, forwardPasses: 4))
  }

  @Test("each part works on what the parts before it left correct, and what has fallen stays fallen") func sequence() {
    let classifier = LinearClassifier([2, 3, 1], classes: 5, seed: 3)
    let examples = rightly(randomImages(48, [2, 3, 1]), by: classifier)
    let parts = [AttackSettings(.noise), AttackSettings(.fgsm), AttackSettings(.pgd, ["steps": 10])]
    let before = classifier.gradientBatches.count
    let found = AttackSequence(parts, keep: .firstMisclassified).perturb(examples, of: classifier, threat: threat)
    let gradients = classifier.gradientBatches.dropFirst(before)
    func correct(_ settings: AttackSettings) -> [Bool] {
      settings.adversary(for: threat, keep: .firstMisclassified).run(examples, of: classifier).misclassified.map { !$0 }
    }
    let alone = parts.map(correct)
    // FGSM's one batch is what noise left, PGD's first what both did.
    let afterNoise = alone[0].count { $0 }
    let afterBoth = zip(alone[0], alone[1]).count { $0 && $1 }
    #expect(afterNoise < 48 && afterBoth < afterNoise)
    #expect(Array(gradients.prefix(2)) == [afterNoise, afterBoth])
    let left = zip(classifier.logits(of: found).predictions(), examples.labels).map { $0 == $1 }
    #expect(left == examples.labels.indices.map { row in alone.allSatisfy { $0[row] } })
  }

  @Test("a network that gives every image the same output is left as it is, without an example beyond the ball") func constant() {
    let classifier = LinearClassifier(
      [2, 3, 1], weights: [[Float]](repeating: [Float](repeating: 0, count: 6), count: 4), bias: [0, 1, 0, 0])
    let images = randomImages(6, [2, 3, 1])
    let examples = Examples(images: images, labels: [Int](repeating: 1, count: 6), ids: Array(0..<6), seed: 1)
    for norm in Norm.allCases {
      let result = AttackSettings(.autoattack).adversary(for: Threat(norm: norm, epsilon: 0.3), keep: .firstMisclassified)
        .run(examples, of: classifier)
      #expect(!result.misclassified.contains(true) && !result.breaches.contains(true))
      #expect(result.faults.allSatisfy { $0 == .zero })
    }
  }
}
