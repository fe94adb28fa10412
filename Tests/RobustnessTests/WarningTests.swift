import Attacks
import Robustness
import Testing

@Suite("Diagnostics: each fires when it should, and only then") struct WarningTests {
  private let threat = Threat(norm: .linf, epsilon: 0.1)

  /// A trial on 1,000 examples, the first `misclassified` of which were misclassified.
  private func trial(_ definition: AttackDefinition, misclassified: Int) -> AttackTrial {
    AttackTrial(settings: AttackSettings(definition), threat: threat, withstood: (0..<1000).map { $0 >= misclassified })
  }

  private func points(_ values: [(Double, Int)]) -> [Evaluation.AtEpsilon] {
    values.map { Evaluation.AtEpsilon(epsilon: $0.0, accuracy: Proportion(correct: $0.1, total: 1000)) }
  }

  @Test("zero gradients warn from the first, and discredit from half a point") func zeroGradients() {
    var trial = trial(.pgd, misclassified: 100)
    #expect(Warning.zeroGradients(trial) == nil)
    trial.zeroGradients = 4
    #expect(Warning.zeroGradients(trial)?.discredits == false)
    trial.zeroGradients = 5
    #expect(Warning.zeroGradients(trial)?.discredits == true)
  }

  @Test("a single broken gradient discredits") func brokenGradients() {
    var trial = trial(.pgd, misclassified: 100)
    #expect(Warning.brokenGradients(trial) == nil)
    trial.brokenGradients = 1
    #expect(Warning.brokenGradients(trial)?.discredits == true)
  }

  @Test("PGD that is weaker than FGSM by more than 0.2 points discredits") func weakerPGD() {
    #expect(Warning.iterativeWeakerThanSingleStep([trial(.fgsm, misclassified: 300), trial(.pgd, misclassified: 297)])?.discredits == true)
    #expect(Warning.iterativeWeakerThanSingleStep([trial(.fgsm, misclassified: 300), trial(.pgd, misclassified: 298)]) == nil)
    #expect(Warning.iterativeWeakerThanSingleStep([trial(.fgsm, misclassified: 300), trial(.pgd, misclassified: 400)]) == nil)
    #expect(Warning.iterativeWeakerThanSingleStep([trial(.fgsm, misclassified: 300)]) == nil)
    #expect(
      Warning.iterativeWeakerThanSingleStep([trial(.fgsm, misclassified: 300), trial(.mifgsm, misclassified: 200)])?.discredits == true)
    #expect(
      Warning.iterativeWeakerThanSingleStep([
        trial(.fgsm, misclassified: 300), trial(.mifgsm, misclassified: 200), trial(.pgd, misclassified: 400),
      ]) == nil)
    #expect(Warning.iterativeWeakerThanSingleStep([trial(.fgsm, misclassified: 300), trial(.adam, misclassified: 200)]) == nil)
  }

  @Test("noise that finds what an attack missed discredits that attack alone") func noise() {
    let found = Warning.noiseBeatsAttack([
      trial(.noise, misclassified: 50), trial(.fgsm, misclassified: 40), trial(.pgd, misclassified: 90),
    ])
    #expect(found.map(\.code) == ["noise_beats_attack"])
    #expect(found.first?.detail.contains("fgsm") == true && found.first?.discredits == true)
    #expect(Warning.noiseBeatsAttack([trial(.noise, misclassified: 50), trial(.pgd, misclassified: 48)]).isEmpty)
    #expect(Warning.noiseBeatsAttack([trial(.pgd, misclassified: 48)]).isEmpty)
  }

  @Test("accuracy that rises with epsilon warns, beyond half a point") func rises() {
    func rising(_ last: Int, by attack: AttackDefinition = .pgd) -> Warning? {
      .accuracyRises(points([(0, 990), (0.1, 500), (0.2, last)]), by: AttackSettings(attack))
    }
    #expect(rising(506)?.code == "accuracy_rises_with_epsilon" && rising(506)?.detail.contains("Raise steps or restarts") == true)
    #expect(rising(506, by: .fgsm)?.detail.contains("steps") == false)
    #expect(rising(505) == nil)
    #expect(Warning.accuracyRises([], by: nil) == nil)
  }

  @Test("accuracy above chance at L∞ 0.5 warns; below that, at chance or in L2 it does not") func aboveChance() {
    #expect(Warning.aboveChance(points([(0.5, 120)]), norm: .linf, largestClass: 110) != nil)
    #expect(Warning.aboveChance(points([(0.5, 110)]), norm: .linf, largestClass: 110) == nil)
    #expect(Warning.aboveChance(points([(0.4, 900)]), norm: .linf, largestClass: 110) == nil)
    #expect(Warning.aboveChance(points([(0.5, 900)]), norm: .l2, largestClass: 110) == nil)
  }

  @Test("images outside the bound, and predictions that do not repeat, discredit") func consistency() {
    var trial = trial(.pgd, misclassified: 100)
    #expect(Warning.breach(trial) == nil && Warning.unrepeatable(trial) == nil)
    trial.breaches = 1
    trial.unrepeatable = 1
    #expect(Warning.breach(trial)?.discredits == true && Warning.unrepeatable(trial)?.discredits == true)
  }

  @Test("accuracy at epsilon 0 that is not the clean one discredits") func zeroEpsilon() {
    let clean = Proportion(correct: 90, total: 100)
    #expect(Warning.zeroEpsilonDiffers(clean: clean, atZero: clean) == nil)
    #expect(Warning.zeroEpsilonDiffers(clean: clean, atZero: Proportion(correct: 89, total: 100))?.discredits == true)
  }

  @Test("an evaluation no stronger than the training warns") func notStronger() {
    let seven = AttackSettings(.pgd, ["steps": 7])
    func warning(_ training: AttackSettings?, _ evaluation: [AttackSettings]) -> Warning? {
      .evaluationNotStronger(training: training, evaluation: evaluation, norm: .linf)
    }
    #expect(warning(seven, [AttackSettings(.fgsm), seven])?.detail.contains("apgd_t") == true)
    #expect(warning(seven, [AttackSettings(.pgd, ["steps": 7, "restarts": 2])]) == nil)
    #expect(warning(seven, EvaluationSettings().attacks) == nil)
    #expect(warning(nil, []) == nil)
  }

  @Test("three classes warn, four do not") func fewClasses() {
    #expect(Warning.fewClasses(3)?.code == "few_classes")
    #expect(Warning.fewClasses(4) == nil)
  }

  @Test("the first mistake: a small mix, noise for an attack, an attack that cannot reach the bound") func fewAdversarial() {
    func warning(_ fraction: Double, _ attack: AttackSettings, images: Int = 50) -> Warning? {
      .tooFewAdversarialExamples(fraction: fraction, attack: attack, threat: threat, imagesPerClass: images)
    }
    #expect(warning(1, AttackSettings(.pgd, ["steps": 7]), images: 49)?.detail.contains("49 images of a class") == true)
    #expect(warning(0.2, AttackSettings(.pgd, ["steps": 7])) != nil)
    #expect(warning(1, AttackSettings(.noise)) != nil)
    #expect(warning(1, AttackSettings(.pgd, ["steps": 7, "step_size": 0.01]))?.detail.contains("raise steps or step_size") == true)
    // It takes a single step whatever is asked for.
    #expect(warning(1, AttackSettings(.fgsm, ["step_size": 0.01]))?.detail.contains("raise step_size") == true)
    for attack in [
      AttackSettings(.pgd, ["steps": 7]), AttackSettings(.fgsm), AttackSettings(.pgd, ["steps": 10, "step_size": 0.01]),
      AttackSettings(.adam), AttackSettings(.bim), AttackSettings(.mifgsm),
    ] {
      #expect(warning(0.5, attack) == nil)
    }
    // What goes on from where it ended reaches further.
    let short = AttackSettings(.fgsm, ["step_size": .number(threat.epsilon / 4)])
    #expect(Warning.tooFewAdversarialExamples(fraction: 1, attack: short, threat: threat, runs: 3, imagesPerClass: 50) != nil)
    #expect(Warning.tooFewAdversarialExamples(fraction: 1, attack: short, threat: threat, runs: 4, imagesPerClass: 50) == nil)
  }

  @Test("the second mistake: no validation part") func validation() {
    #expect(Warning.noValidation(validationCount: 0) != nil)
    #expect(Warning.noValidation(validationCount: 1) == nil)
  }

  @Test("the second mistake too: a validation part too small to choose by") func smallValidation() {
    #expect(Warning.smallValidation(validationCount: 99)?.detail.hasPrefix("99 images are held out, on which") == true)
    #expect(Warning.smallValidation(validationCount: 25)?.detail.contains("within 19.6 %") == true)
    #expect(Warning.smallValidation(validationCount: 100) == nil && Warning.smallValidation(validationCount: 0) == nil)
  }

  @Test("the third mistake before it is made: too few updates") func fewUpdates() {
    #expect(Warning.fewUpdates(199)?.detail.hasPrefix("The method has 199 updates") == true)
    #expect(Warning.fewUpdates(200) == nil && Warning.fewUpdates(0) == nil)
  }

  @Test("the third mistake: stopped at the best epoch, well above those before it") func improving() {
    func warning(_ history: [Double]) -> Warning? { .stoppedWhileImproving(history: history, validationCount: 1000) }
    #expect(warning([0.3, 0.4, 0.5]) != nil)
    #expect(warning([0.3, 0.4, 0.5, 0.505]) == nil)
    #expect(warning([0.3, 0.6, 0.5, 0.55]) == nil)
    #expect(warning([0.3]) == nil)
    #expect(Warning.stoppedWhileImproving(history: [0.30, 0.35], validationCount: 20) == nil)
  }

  @Test("a sample too small for the gate warns, and says how many would do") func sample() throws {
    let gate = Gate(metric: .robustAccuracy, min: 0.7)
    func result(_ correct: Int, _ total: Int, _ verdict: Verdict) -> GateResult {
      let value = Proportion(correct: correct, total: total)
      return GateResult(gate: gate, value: value.value, interval: value.interval, verdict: verdict)
    }
    let least = GateResult(
      gate: Gate(metric: .worstClassAccuracy, min: 0.7), value: 0.72, interval: ConfidenceInterval(low: 0.6, high: 0.8),
      verdict: .inconclusive)
    #expect(Warning.sampleTooSmall(least)?.detail.contains("evaluate more examples") == true)
    let detail = try #require(Warning.sampleTooSmall(result(72, 100, .inconclusive))?.detail)
    #expect(detail.contains("2017 examples"))
    #expect(Warning.sampleTooSmall(result(900, 1000, .pass)) == nil)
    #expect(Warning.sampleTooSmall(result(100, 1000, .fail)) == nil)
    #expect(Warning.sampleTooSmall(result(70, 100, .inconclusive))?.detail.contains("move the bound") == true)
  }
}
