import Attacks
import Robustness
import Testing

/// A diagnostic with a case that trips it and one that does not.
struct DiagnosticCase: CustomTestStringConvertible, Sendable {
  let code: String
  /// Whether its finding leaves gates without a verdict.
  let discredits: Bool
  let trips: @Sendable () -> [Warning]
  let passes: @Sendable () -> [Warning]

  var testDescription: String { code }

  init(_ code: String, discredits: Bool = false, warnings: @escaping @Sendable () -> [Warning], none: @escaping @Sendable () -> [Warning]) {
    self.code = code
    self.discredits = discredits
    trips = warnings
    passes = none
  }

  /// By what an evaluation of 1,000 images of four classes measured, changed in two ways.
  init(
    _ code: String, discredits: Bool = false, trips: @escaping @Sendable (inout EvaluationFacts) -> Void,
    passes: @escaping @Sendable (inout EvaluationFacts) -> Void = { _ in }
  ) {
    self.init(code, discredits: discredits, warnings: { Self.warnings(trips) }, none: { Self.warnings(passes) })
  }

  private static func warnings(_ change: (inout EvaluationFacts) -> Void) -> [Warning] {
    var facts = EvaluationFacts.sound
    change(&facts)
    return Diagnostic.all.flatMap { $0.findings(facts) }
  }
}

extension EvaluationFacts {
  fileprivate static let threat = Threat(norm: .linf, epsilon: 0.1)

  /// A trial of 1,000 images, the first `fallen` of which fell.
  fileprivate static func trial(_ definition: AttackDefinition, fallen: Int, _ change: (inout AttackTrial) -> Void = { _ in })
    -> AttackTrial
  {
    var trial = AttackTrial(settings: AttackSettings(definition), threat: threat, withstood: (0..<1000).map { $0 >= fallen })
    change(&trial)
    return trial
  }

  /// Strong, and nothing is wrong with it: 300 of 1,000 images fall.
  fileprivate static var sound: EvaluationFacts {
    var clean = CleanOutcomes()
    clean.withstood = [Bool](repeating: true, count: 1000)
    clean.predictedClasses = [0, 1, 2, 3]
    clean.repeated = 16
    let classes = (0..<4).map { label in
      Evaluation.OfClass(
        name: "\(label)", cleanAccuracy: Proportion(correct: 250, total: 250), robustAccuracy: Proportion(correct: 175, total: 250))
    }
    return EvaluationFacts(
      settings: EvaluationSettings(attacks: [AttackSettings(.apgdT)]), threat: threat, classes: classes, clean: clean,
      trials: [trial(.apgdT, fallen: 300)], still: trial(.pgd, fallen: 0))
  }

  fileprivate mutating func attack(_ trials: AttackTrial...) {
    self.trials = trials
    settings.attacks = trials.map(\.settings)
  }

  fileprivate mutating func recheck(_ purpose: Recheck.Purpose, fallen: Int, of sample: Int) {
    rechecks[purpose] = RecheckResult(sample: sample, fallen: fallen, standing: 700, total: 1000)
  }

  fileprivate mutating func curve(_ points: [(Double, Int)]) {
    self.points = points.map { Evaluation.AtEpsilon(epsilon: $0.0, accuracy: Proportion(correct: $0.1, total: 1000)) }
  }
}

@Suite("Diagnostics: each fires when it should, and only then") struct DiagnosticTests {
  private typealias Facts = EvaluationFacts

  static let ofEvaluations = [
    DiagnosticCase("softmax_outputs", trips: { $0.clean.probabilities = 1000 }, passes: { $0.clean.probabilities = 999 }),
    DiagnosticCase("randomised_model", trips: { $0.clean.differing = 1 }),
    DiagnosticCase(
      "zero_gradients", discredits: true, trips: { $0.attack(Facts.trial(.apgdT, fallen: 300) { $0.zeroGradients = 5 }) }),
    DiagnosticCase(
      "broken_gradients", discredits: true, trips: { $0.attack(Facts.trial(.apgdT, fallen: 300) { $0.brokenGradients = 1 }) }),
    // Two points more than the white-box attacks are usual, a tenth of what they left is not.
    DiagnosticCase(
      "black_box_beats_white_box", trips: { $0.attack(Facts.trial(.apgdT, fallen: 300), Facts.trial(.square, fallen: 320)) },
      passes: { $0.attack(Facts.trial(.apgdT, fallen: 300), Facts.trial(.square, fallen: 302)) }),
    DiagnosticCase(
      "black_box_beats_white_box", discredits: true,
      trips: { $0.attack(Facts.trial(.apgdT, fallen: 300), Facts.trial(.square, fallen: 371)) },
      passes: { $0.attack(Facts.trial(.apgdT, fallen: 300), Facts.trial(.square, fallen: 200)) }),
    // Without a search in the evaluation: more than a tenth of the sample.
    DiagnosticCase(
      "black_box_finds_more", discredits: true, trips: { $0.recheck(.blackBox, fallen: 3, of: 29) },
      passes: { $0.recheck(.blackBox, fallen: 2, of: 29) }),
    // With one: more than half a point of all.
    DiagnosticCase(
      "black_box_finds_more", discredits: true,
      trips: {
        $0.attack(Facts.trial(.apgdT, fallen: 300), Facts.trial(.square, fallen: 300))
        $0.recheck(.blackBox, fallen: 2, of: 100)
      },
      passes: {
        $0.attack(Facts.trial(.apgdT, fallen: 300), Facts.trial(.square, fallen: 300))
        $0.recheck(.blackBox, fallen: 1, of: 20)
      }),
    DiagnosticCase(
      "pgd_weaker_than_fgsm", discredits: true, trips: { $0.attack(Facts.trial(.fgsm, fallen: 303), Facts.trial(.apgdT, fallen: 300)) },
      passes: { $0.attack(Facts.trial(.fgsm, fallen: 302), Facts.trial(.apgdT, fallen: 300)) }),
    DiagnosticCase(
      "noise_beats_attack", discredits: true, trips: { $0.attack(Facts.trial(.noise, fallen: 303), Facts.trial(.apgdT, fallen: 300)) },
      passes: { $0.attack(Facts.trial(.noise, fallen: 302), Facts.trial(.apgdT, fallen: 300)) }),
    DiagnosticCase(
      "noise_finds_more", discredits: true, trips: { $0.recheck(.noise, fallen: 1, of: 100) },
      passes: { $0.recheck(.noise, fallen: 0, of: 100) }),
    DiagnosticCase(
      "accuracy_rises_with_epsilon", trips: { $0.curve([(0, 1000), (0.1, 700), (0.2, 706)]) },
      passes: { $0.curve([(0, 1000), (0.1, 700), (0.2, 705)]) }),
    DiagnosticCase(
      "above_chance_at_large_epsilon", trips: { $0.curve([(0, 1000), (0.5, 251)]) }, passes: { $0.curve([(0, 1000), (0.5, 250)]) }),
    DiagnosticCase(
      "unbounded_attack_fails", discredits: true, trips: { $0.recheck(.unbounded, fallen: 99, of: 100) },
      passes: { $0.recheck(.unbounded, fallen: 100, of: 100) }),
    DiagnosticCase(
      "not_converged", discredits: true, trips: { $0.recheck(.doubled, fallen: 2, of: 100) },
      passes: { $0.recheck(.doubled, fallen: 1, of: 100) }),
    DiagnosticCase("bound_broken", discredits: true, trips: { $0.attack(Facts.trial(.apgdT, fallen: 300) { $0.breaches = 1 }) }),
    DiagnosticCase(
      "prediction_not_repeatable", discredits: true, trips: { $0.attack(Facts.trial(.apgdT, fallen: 300) { $0.unrepeatable = 1 }) }),
    DiagnosticCase("zero_epsilon_differs", discredits: true, trips: { $0.still = Facts.trial(.pgd, fallen: 1) }),
    DiagnosticCase(
      "attack_out_of_reach", discredits: true,
      trips: { $0.settings.attacks.append(AttackSettings(.pgd, ["steps": 5, "step_size": 0.01, "random_start": false])) },
      passes: { $0.settings.attacks.append(AttackSettings(.pgd, ["steps": 10, "step_size": 0.01, "random_start": false])) }),
    DiagnosticCase("few_classes", trips: { $0.classes.removeLast() }),
    DiagnosticCase(
      "weak_evaluation", discredits: true, trips: { $0.attack(Facts.trial(.pgd, fallen: 300)) },
      passes: { $0.attack(Facts.trial(.pgd, fallen: 300), Facts.trial(.fabT, fallen: 300)) }),
    DiagnosticCase(
      "constant_classifier", discredits: true, trips: { $0.clean.predictedClasses = [2] },
      passes: { $0.clean.predictedClasses = [2, 3] }),
    DiagnosticCase(
      "class_without_examples",
      trips: {
        let none = Proportion(correct: 0, total: 0)
        $0.classes[1] = Evaluation.OfClass(name: "1", cleanAccuracy: none, robustAccuracy: none)
      }),
  ]

  private static let threat = Threat(norm: .linf, epsilon: 0.1)

  /// Those of trainings, specs, data sets and gates.
  static let ofOthers = [
    DiagnosticCase(
      "too_few_adversarial_examples",
      warnings: {
        [.tooFewAdversarialExamples(fraction: 0.4, attack: AttackSettings(.pgd), threat: threat, imagesPerClass: 50)].compactMap { $0 }
      },
      none: {
        [.tooFewAdversarialExamples(fraction: 0.5, attack: AttackSettings(.pgd), threat: threat, imagesPerClass: 50)].compactMap { $0 }
      }),
    DiagnosticCase(
      "no_validation", warnings: { [.noValidation(validationCount: 0)].compactMap { $0 } },
      none: { [.noValidation(validationCount: 1)].compactMap { $0 } }),
    DiagnosticCase(
      "small_validation", warnings: { [.smallValidation(validationCount: 99)].compactMap { $0 } },
      none: { [.smallValidation(validationCount: 100)].compactMap { $0 } }),
    DiagnosticCase(
      "few_updates", warnings: { [.fewUpdates(199)].compactMap { $0 } }, none: { [.fewUpdates(200)].compactMap { $0 } }),
    DiagnosticCase(
      "stopped_while_improving", warnings: { [.stoppedWhileImproving(history: [0.3, 0.5], validationCount: 1000)].compactMap { $0 } },
      none: { [.stoppedWhileImproving(history: [0.5, 0.505], validationCount: 1000)].compactMap { $0 } }),
    DiagnosticCase(
      "single_value_batch_norm", warnings: { [.singleValueBatch(trainCount: 129, batchSize: 64)].compactMap { $0 } },
      none: { [.singleValueBatch(trainCount: 130, batchSize: 64)].compactMap { $0 } }),
    DiagnosticCase(
      "evaluation_not_stronger",
      warnings: {
        [.evaluationNotStronger(training: AttackSettings(.pgd), evaluation: [AttackSettings(.pgd)], norm: .linf)].compactMap { $0 }
      },
      none: {
        [.evaluationNotStronger(training: AttackSettings(.pgd), evaluation: [AttackSettings(.apgdT)], norm: .linf)].compactMap { $0 }
      }),
    DiagnosticCase(
      "test_images_in_training", warnings: { [.testImagesInTraining(1, of: 1000)].compactMap { $0 } },
      none: { [.testImagesInTraining(0, of: 1000)].compactMap { $0 } }),
    DiagnosticCase(
      "no_gates", warnings: { [.noGates([])].compactMap { $0 } },
      none: { [.noGates([Gate(metric: .cleanAccuracy, min: 0.5)])].compactMap { $0 } }),
    DiagnosticCase("sample_too_small", warnings: { tooSmall(0.71) }, none: { tooSmall(0.65) }),
  ]

  private static func tooSmall(_ bound: Double) -> [Warning] {
    [.sampleTooSmall(Gate(metric: .robustAccuracy, min: bound).judge(sampleEvaluation(), warnings: []))].compactMap { $0 }
  }

  @Test("the case that trips it does, the other does not", arguments: ofEvaluations + ofOthers)
  func fires(example: DiagnosticCase) {
    let tripped = example.trips().filter { $0.code == example.code }
    #expect(!tripped.isEmpty && tripped.allSatisfy { $0.discredits == example.discredits })
    #expect(!example.passes().contains { $0.code == example.code })
  }

  @Test("a sound evaluation says nothing, and each diagnostic of the list has its case") func complete() {
    let sound = DiagnosticCase("none", trips: { _ in }).trips()
    #expect(sound.isEmpty, "\(sound)")
    #expect(Set(Self.ofEvaluations.map(\.code)).count == Diagnostic.all.count)
  }

  @Test("a check of a single example of a sample says nothing, of all that stand it does") func single() {
    #expect(!RecheckResult(sample: 10, fallen: 1, standing: 700, total: 1000).lowersAccuracy(byMoreThan: 0.005))
    #expect(RecheckResult(sample: 10, fallen: 2, standing: 700, total: 1000).lowersAccuracy(byMoreThan: 0.005))
    #expect(RecheckResult(sample: 10, fallen: 1, standing: 10, total: 100).lowersAccuracy(byMoreThan: 0.005))
    #expect(!RecheckResult(sample: 10, fallen: 0, standing: 10, total: 100).fells(moreThan: 0.1))
  }
}
