import Attacks

/// What an evaluation measured, as its diagnostics look at it.
package struct EvaluationFacts: Sendable {
  package var settings: EvaluationSettings
  package var threat: Threat
  package var classes: [Evaluation.OfClass]
  package var clean: CleanOutcomes
  /// In the order of the evaluation's attacks.
  package var trials: [AttackTrial]
  /// In ascending order of epsilon.
  package var points: [Evaluation.AtEpsilon]
  /// The attack with epsilon 0; `nil` when it was not run.
  package var still: AttackTrial?
  package var rechecks: [Recheck.Purpose: RecheckResult]

  package init(
    settings: EvaluationSettings, threat: Threat, classes: [Evaluation.OfClass], clean: CleanOutcomes, trials: [AttackTrial],
    points: [Evaluation.AtEpsilon] = [], still: AttackTrial? = nil, rechecks: [Recheck.Purpose: RecheckResult] = [:]
  ) {
    self.settings = settings
    self.threat = threat
    self.classes = classes
    self.clean = clean
    self.trials = trials
    self.points = points
    self.still = still
    self.rechecks = rechecks
  }

  /// The number of examples by which a stronger attack may do worse by chance: 0.2 points, at least one.
  var slack: Double { max(1, (Double(clean.count) * 0.002).rounded(.down)) }

  /// The trials of single attacks: of a sequence those of its parts, each on what the parts before it left.
  var singleTrials: [AttackTrial] { trials.flatMap { $0.parts.isEmpty ? [$0] : $0.parts } }

  /// For each example, whether it withstood the attacks of some kind.
  func withstood(_ isMeant: (AttackDefinition) -> Bool) -> [Bool] {
    singleTrials.filter { isMeant($0.settings.definition) }.reduce(clean.withstood) { zip($0, $1.withstood).map { $0 && $1 } }
  }
}
