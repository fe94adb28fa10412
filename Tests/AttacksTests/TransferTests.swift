import Attacks
import TensorEngine
import Testing

@Suite("An attack that is not shown the whole model") struct TransferTests {
  private let shape: Shape = [3, 4, 1]
  private let threat = Threat(norm: .linf, epsilon: 0.2)

  @Test("is made by the gradients of one classifier and judged by the answers of the other") func judged() {
    let (attacked, judge) = (LinearClassifier(shape, classes: 3, seed: 2), LinearClassifier(shape, classes: 3, seed: 7))
    let examples = rightly(randomImages(16, shape, in: 0.3...0.7), by: judge)
    let attack = AttackSettings(.pgd, ["steps": 5, "random_start": false])
    let adversary = attack.adversary(for: threat, keep: .last)
    let result = adversary.run(examples, of: TransferClassifier(attacking: attacked, judge: judge))
    let alone = adversary.perturb(examples, of: attacked)
    #expect(result.predictions == judge.logits(of: alone).predictions())
    #expect(result.misclassified.contains(true))
    #expect(!judge.gradientBatches.contains { $0 > 0 })
    #expect(!attacked.gradientBatches.isEmpty && attacked.forwardBatches.isEmpty)
  }

  @Test("costs what was asked of either") func cost() {
    let (attacked, judge) = (LinearClassifier(shape, classes: 3, seed: 2), LinearClassifier(shape, classes: 3, seed: 7))
    let examples = rightly(randomImages(16, shape, in: 0.3...0.7), by: judge)
    let adversary = AttackSettings(.pgd, ["steps": 5, "random_start": false]).adversary(for: threat, keep: .last)
    let result = adversary.run(examples, of: TransferClassifier(attacking: attacked, judge: judge))
    #expect(result.cost.gradientEvaluations == 5 * 16)
    #expect(result.cost.forwardPasses == 16 + result.misclassified.count { $0 })
  }
}
