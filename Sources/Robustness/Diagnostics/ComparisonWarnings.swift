import Attacks

/// Strong attacks that do worse than weak ones (Carlini et al. 2019, arXiv:1902.06705, section 4).
extension Warning {
  /// The number of examples by which a stronger attack may do worse by chance: 0.2 points, at least one.
  private static func slack(of count: Int) -> Int { max(1, Int(Double(count) * 0.002)) }

  /// Several gradient steps leave more examples correct than a single step does.
  package static func iterativeWeakerThanSingleStep(_ trials: [AttackTrial]) -> Warning? {
    let stepping = trials.filter { $0.settings.definition.family == .projectedSteps }
    let iterative = stepping.filter { $0.settings.steps > 1 }
    let single = stepping.filter { $0.settings.steps == 1 }
    guard let strong = iterative.min(by: { $0.accuracy.correct < $1.accuracy.correct }),
      let weak = single.min(by: { $0.accuracy.correct < $1.accuracy.correct }),
      strong.accuracy.correct > weak.accuracy.correct + slack(of: strong.withstood.count)
    else { return nil }
    return Warning(
      code: "pgd_weaker_than_fgsm",
      detail: """
        \(strong.settings.label) leaves \(percent(strong.accuracy.value)) correct, \(weak.settings.label) only \
        \(percent(weak.accuracy.value)). Gradients are masked or its settings are wrong: \(advice(strong.settings)).
        """,
      discredits: true)
  }

  private static func advice(_ attack: AttackSettings) -> String {
    attack.adjustable(["steps", "step_size", "restarts"]).map { "try another value of \($0)" } ?? "try another attack"
  }

  /// Noise fools the model on examples that a gradient attack missed. There is one warning for each such attack.
  package static func noiseBeatsAttack(_ trials: [AttackTrial]) -> [Warning] {
    guard let noise = trials.filter({ $0.settings.definition.family == .chance }).min(by: { $0.accuracy.correct < $1.accuracy.correct })
    else {
      return []
    }
    return trials.filter { $0.settings.definition.family != .chance }.compactMap { trial in
      let missed = zip(trial.withstood, noise.withstood).count { $0 && !$1 }
      guard missed > slack(of: trial.withstood.count) else { return nil }
      return Warning(
        code: "noise_beats_attack",
        detail: """
          \(noise.settings.label) fools the model on \(missed) examples that withstood \(trial.settings.label): following the gradient is \
          worse than guessing, so gradients are masked or the attack has the wrong settings.
          """,
        discredits: true, attack: trial.settings.label)
    }
  }
}
