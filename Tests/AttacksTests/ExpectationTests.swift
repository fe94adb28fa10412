import Attacks
import TensorEngine
import Testing

@Suite("Attacks on a network with randomness") struct ExpectationTests {
  private let shape: Shape = [2, 3, 1]
  private let threat = Threat(norm: .linf, epsilon: 0.1)
  private let linear = LinearClassifier([2, 3, 1], classes: 4, seed: 3)

  private func pgd(_ samples: Int, steps: Int = 4) -> Adversary {
    AttackSettings(.pgd, ["steps": .int(Int64(steps)), "eot_samples": .int(Int64(samples))]).adversary(
      for: threat, keep: .firstMisclassified)
  }

  @Test("the answer that counts is the mean over twenty draws, the same every time") func answers() {
    let noisy = NoisyClassifier(linear, deviation: 0.4)
    let images = randomImages(5, shape)
    let answer = noisy.answers(to: images, ids: [3, 1, 4, 15, 9], seed: 2)
    #expect(noisy.draws.map(\.number) == Array(0..<20))
    var mean = Tensor(zeros: answer.shape)
    for number in 0..<20 {
      noisy.draw(RandomDraw(seed: 2, ids: [3, 1, 4, 15, 9], number: number))
      mean.add(0.05, times: noisy.logits(of: images))
    }
    #expect(answer == mean)
    #expect(noisy.answers(to: images, ids: [3, 1, 4, 15, 9], seed: 2) == answer)
    #expect(noisy.answers(to: images, ids: [3, 1, 4, 15, 9], seed: 3) != answer)
    // One image after the other, as all at once.
    for (row, id) in [3, 1, 4, 15, 9].enumerated() {
      #expect(Array(noisy.answers(to: images.gathered([row]), ids: [id], seed: 2).values) == Array(answer[example: row]))
    }
  }

  @Test("a network without randomness is asked once, whatever the samples") func withoutRandomness() {
    let examples = rightly(randomImages(8, shape), by: linear)
    let unmoved = Threat(norm: .linf, epsilon: 0)
    let settings = AttackSettings(.pgd, ["steps": 3, "eot_samples": 20])
    #expect(settings.cost.gradientEvaluations == 60)
    let result = settings.adversary(for: unmoved, keep: .firstMisclassified).run(examples, of: linear)
    #expect(result.cost == AttackCost(gradientEvaluations: 24, forwardPasses: 8))
  }

  @Test("a step follows the mean gradient of so many new draws") func meanGradient() {
    let noisy = NoisyClassifier(linear, deviation: 0)
    // By the number of the draw: 3, −1, −1, and so on. The first draw of each three says up, and so does their mean.
    noisy.gradientOfDraw = { [3, -1, -1][($0.number - 20) % 3] }
    let images = randomImages(2, shape, in: 0.4...0.6)
    // Never wrong, so that no example leaves.
    let examples = Examples(images: images, labels: linear.logits(of: images).argmax(), ids: [7, 8], seed: 5)
    let attack = { (samples: Int, steps: Int) in
      AttackSettings(
        .pgd, ["steps": .int(Int64(steps)), "step_size": 0.01, "random_start": false, "eot_samples": .int(Int64(samples))]
      ).adversary(for: self.threat, keep: .last)
    }
    func moved(_ samples: Int, _ steps: Int) -> Float {
      attack(samples, steps).perturb(examples, of: noisy).values[0] - images.values[0]
    }
    #expect(abs(moved(3, 4) - 0.04) < 1e-6)
    // Draw by draw: one step up, and two down.
    #expect(abs(moved(1, 3) + 0.01) < 1e-6)
    let draws = noisy.draws.suffix(3)
    #expect(draws.map(\.number) == [20, 21, 22] && draws.allSatisfy { $0.ids == [7, 8] && $0.seed == 5 })
  }

  @Test("every draw is counted as a pass") func counted() {
    let noisy = NoisyClassifier(linear, deviation: 0.01)
    let images = randomImages(6, shape)
    let examples = Examples(
      images: images, labels: noisy.answers(to: images, ids: Array(0..<6), seed: 0).predictions(), ids: Array(0..<6), seed: 0)
    let unmoved = Threat(norm: .linf, epsilon: 0)
    let result = AttackSettings(.pgd, ["steps": 3, "restarts": 2, "eot_samples": 5]).adversary(for: unmoved, keep: .last)
      .run(examples, of: noisy)
    #expect(result.cost.gradientEvaluations == 6 * 3 * 2 * 5)
    // Twenty for what each run found; an example near the boundary may be asked again.
    #expect(result.cost.forwardPasses >= 6 * 2 * 20)
    #expect(Set(noisy.draws.map(\.number)).isSuperset(of: [20, 34, 20 + 1 << 20]))
  }

  @Test(
    "neither the batch nor the order changes what an attack finds",
    arguments: AttackCatalogue.all.filter { $0.field("eot_samples") != nil || $0.name == "fab_t" || $0.name == "square" })
  func batchChangesNothing(definition: AttackDefinition) {
    let noisy = NoisyClassifier(linear, deviation: 0.1)
    let images = randomImages(12, shape)
    let labels = noisy.answers(to: images, ids: Array(0..<12), seed: 1).predictions()
    let all = Examples(images: images, labels: labels, ids: Array(0..<12), seed: 1)
    var settings = AttackSettings(quick: definition)
    if definition.field("eot_samples") != nil { settings["eot_samples"] = 3 }
    let adversary = settings.adversary(for: threat, keep: .firstMisclassified)
    let together = adversary.run(all, of: noisy)
    let backwards = adversary.run(all.gathered((0..<12).reversed()), of: noisy)
    for row in 0..<12 {
      let alone = adversary.run(all.gathered([row]), of: noisy)
      #expect(alone.images.values == Array(together.images[example: row]))
      #expect(backwards.images[example: 11 - row] == together.images[example: row])
      #expect(alone.misclassified[0] == together.misclassified[row])
    }
    #expect(!together.unrepeatable.contains(true))
  }

  @Test("an example leaves an attack only when the answer that counts is wrong") func leaves() {
    // So much noise that single draws are often wrong where the mean is right.
    let noisy = NoisyClassifier(linear, deviation: 0.5)
    let images = randomImages(40, shape)
    let ids = Array(0..<40)
    let labels = noisy.answers(to: images, ids: ids, seed: 1).predictions()
    let examples = Examples(images: images, labels: labels, ids: ids, seed: 1)
    noisy.draw(RandomDraw(seed: 1, ids: ids, number: 20))
    #expect(zip(noisy.logits(of: images).predictions(), labels).contains { $0 != $1 })
    // A ball of no size: nobody may fall, and everybody takes all steps.
    let unmoved = Threat(norm: .linf, epsilon: 0)
    let result = AttackSettings(.pgd, ["steps": 3]).adversary(for: unmoved, keep: .firstMisclassified).run(examples, of: noisy)
    #expect(!result.misclassified.contains(true))
    #expect(result.cost.gradientEvaluations == 3 * 40)
  }

  @Test("more draws follow a gradient in noise further: auto-PGD with twenty leaves no more correct than with one") func strength() {
    let noisy = NoisyClassifier(linear, deviation: 0.3)
    let images = randomImages(60, shape)
    let labels = noisy.answers(to: images, ids: Array(0..<60), seed: 1).predictions()
    let examples = Examples(images: images, labels: labels, ids: Array(0..<60), seed: 1)
    func correct(_ settings: AttackSettings) -> Int {
      settings.adversary(for: threat, keep: .firstMisclassified).run(examples, of: noisy).misclassified.count { !$0 }
    }
    let random = AttackSettings(.autoattack, ["version": "rand"])
    #expect(correct(random) <= correct(AttackSettings(.apgdCE, ["steps": 20])))
    #expect(correct(random) < 60)
  }
}
