import Attacks

/// Counts of what the attacks of an evaluation left correct: in all, and by class.
struct EvaluationSummary {
  let set: EvaluationSet
  /// For each example, whether it is predicted correctly clean.
  let clean: [Bool]

  /// For each example, whether it withstood every attack.
  func robust(_ trials: some Sequence<AttackTrial>) -> [Bool] { Self.robust(clean, trials) }

  static func robust(_ clean: [Bool], _ trials: some Sequence<AttackTrial>) -> [Bool] {
    trials.reduce(clean) { zip($0, $1.withstood).map { $0 && $1 } }
  }

  func results(against threat: Threat, _ trials: [AttackTrial]) -> Evaluation.UnderThreat {
    let robust = robust(trials)
    let classes = perClass(robust)
    return Evaluation.UnderThreat(
      threat: threat, attacks: trials.map(attacked), worstCase: Proportion(robust), perClass: classes, worstClass: worst(of: classes),
      warnings: trials.flatMap(Diagnostic.warnings))
  }

  private func attacked(_ trial: AttackTrial) -> Evaluation.Attacked {
    var attacked = Evaluation.Attacked(
      settings: trial.settings, robustAccuracy: trial.accuracy,
      correctPerClass: counts(trial.withstood), gradientEvaluations: trial.cost.gradientEvaluations,
      forwardPasses: trial.cost.forwardPasses, seconds: trial.seconds, distances: trial.distanceSummary)
    if !trial.parts.isEmpty { attacked.parts = parts(of: trial) }
    return attacked
  }

  private func parts(of trial: AttackTrial) -> [Evaluation.Part] {
    let before = [clean.count { $0 }] + trial.parts.map(\.accuracy.correct)
    return zip(trial.parts, before).map { part, standing in
      Evaluation.Part(
        settings: part.settings, label: part.settings.label, robustAccuracy: part.accuracy, fallen: standing - part.accuracy.correct,
        gradientEvaluations: part.cost.gradientEvaluations, forwardPasses: part.cost.forwardPasses, passes: part.cost.passes,
        seconds: part.seconds)
    }
  }

  /// The number of true `outcomes` of each class.
  private func counts(_ outcomes: [Bool]) -> [Int] {
    var counts = [Int](repeating: 0, count: set.classNames.count)
    for (label, outcome) in zip(set.labels, outcomes) where outcome { counts[label] += 1 }
    return counts
  }

  private func perClass(_ robust: [Bool]) -> [Evaluation.OfClass] {
    let totals = counts([Bool](repeating: true, count: set.count))
    let clean = counts(clean)
    let robust = counts(robust)
    return set.classNames.indices.map { label in
      Evaluation.OfClass(
        name: set.classNames[label], cleanAccuracy: Proportion(correct: clean[label], total: totals[label]),
        robustAccuracy: Proportion(correct: robust[label], total: totals[label]))
    }
  }

  private func worst(of classes: [Evaluation.OfClass]) -> Evaluation.OfClass? {
    classes.filter { $0.cleanAccuracy.total > 0 }
      .min { ($0.robustAccuracy.value, $0.cleanAccuracy.value) < ($1.robustAccuracy.value, $1.cleanAccuracy.value) }
  }
}
