import Attacks

/// A check that an evaluation makes of itself: what it looks at, and what it says when something is wrong.
package struct Diagnostic: Sendable {
  /// What it looks for, as a clause.
  package let title: String
  package let findings: @Sendable (EvaluationFacts) -> [Warning]

  /// - Parameter finding: `nil` when all is well.
  init(_ title: String, _ finding: @escaping @Sendable (EvaluationFacts) -> Warning?) {
    self.title = title
    findings = { finding($0).map { [$0] } ?? [] }
  }

  /// One warning for each attack that is at fault.
  private init(_ title: String, ofEach finding: @escaping @Sendable (AttackTrial) -> Warning?) {
    self.title = title
    findings = { $0.trials.compactMap(finding) }
  }

  private init(_ title: String, several findings: @escaping @Sendable (EvaluationFacts) -> [Warning]) {
    self.title = title
    self.findings = findings
  }

  /// What one attack's result shows by itself.
  private static let ofTrials: [(title: String, finding: @Sendable (AttackTrial) -> Warning?)] = [
    ("input gradients of zero", Warning.zeroGradients), ("input gradients that are NaN or infinite", Warning.brokenGradients),
    ("images outside their bound", Warning.breach), ("predictions that do not repeat", Warning.unrepeatable),
  ]

  /// Those that an evaluation makes. What a training, a spec or a gate shows is looked at where that is known.
  package static let all = ofTrials.map { Diagnostic($0.title, ofEach: $0.finding) } + ofEvaluation

  private static let ofEvaluation = [
    Diagnostic("outputs that are softmaxed already") { .softmaxed($0.clean) },
    Diagnostic("a model that answers one image in two ways") { .randomised($0.clean) },
    Diagnostic("a black-box attack that beats the white-box ones", Warning.blackBoxBeatsWhiteBox),
    Diagnostic("a second black-box search that finds more", Warning.blackBoxFindsMore),
    Diagnostic("several steps that are weaker than one") { .iterativeWeakerThanSingleStep($0.trials) },
    Diagnostic("noise that beats an attack", several: { Warning.noiseBeatsAttack($0.trials) }),
    Diagnostic("noise that finds what every attack missed", Warning.noiseFindsMore),
    Diagnostic("accuracy that rises with epsilon") { .accuracyRises($0.points, by: $0.settings.strongest) },
    Diagnostic("accuracy above chance where every image can be grey", Warning.aboveChance),
    Diagnostic("an attack without a bound that fails", Warning.unboundedFails),
    Diagnostic("an attack that has not converged", Warning.notConverged),
    Diagnostic("an epsilon of zero that changes something") { facts in
      facts.still.flatMap { .zeroEpsilonDiffers(clean: Proportion(facts.clean.withstood), atZero: $0.accuracy) }
    },
    Diagnostic("an attack that cannot reach the bound", several: { Warning.outOfReach($0.settings.attacks, $0.threat) }),
    Diagnostic("few classes") { .fewClasses($0.classes.count) },
    Diagnostic("attacks that carry no verdict") { .weakEvaluation($0.settings.attacks, norm: $0.threat.norm) },
    Diagnostic("a constant classifier") { .constantClassifier($0.clean, $0.classes) },
    Diagnostic("a class without examples") { .classWithoutExamples($0.classes) },
  ]

  /// Of an attack against a further threat of the evaluation.
  static func warnings(of trial: AttackTrial) -> [Warning] { ofTrials.compactMap { $0.finding(trial) } }

  /// What all of them say.
  static func warnings(_ facts: EvaluationFacts) -> [Warning] { all.flatMap { $0.findings(facts) } }
}
