import Attacks

/// Examples that all attacks left standing, and that fell when they were attacked again.
extension Warning {
  /// An attack that sees no gradient finds what those that follow it missed: gradients are masked (Carlini et al. 2019, arXiv:1902.06705,
  /// section 4.2). One to three points are usual on MNIST and discredit nothing: the examples are counted.
  static func blackBoxBeatsWhiteBox(_ facts: EvaluationFacts) -> Warning? {
    let white = facts.withstood { $0.access == .gradients }
    let before = white.count { $0 }
    let after = zip(white, facts.withstood(\.isBlackBox)).count { $0 && $1 }
    guard facts.singleTrials.contains(where: { $0.settings.definition.isBlackBox }), Double(before - after) > facts.slack else {
      return nil
    }
    return Warning(
      code: "black_box_beats_white_box",
      detail: """
        An attack that asks for outputs alone fooled the model on \(before - after) examples of the \(before) that withstood every attack by \
        gradients. \(10 * (before - after) > before ? "Gradients are masked: what withstood says little." : "They are counted.")
        """,
      discredits: 10 * (before - after) > before)
  }

  /// The same by 5,000 queries on a sample of the standing examples: a second search, where the evaluation made one, must find next to
  /// nothing; a first may find a tenth.
  static func blackBoxFindsMore(_ facts: EvaluationFacts) -> Warning? {
    guard let found = facts.rechecks[.blackBox] else { return nil }
    let isSecond = facts.singleTrials.contains { $0.settings.definition.isBlackBox }
    guard isSecond ? found.lowersAccuracy(byMoreThan: 0.005) : found.fells(moreThan: 0.1) else { return nil }
    return Warning(
      code: "black_box_finds_more",
      detail: """
        5,000 queries of a black-box attack, with a seed of their own, fooled the model on \(found.words): \
        \(isSecond ? "the search has not converged; give it more queries or restarts." : "gradients are masked; add square to the attacks.")
        """,
      discredits: true)
  }

  /// Chance finds what the attacks missed.
  static func noiseFindsMore(_ facts: EvaluationFacts) -> Warning? {
    guard let found = facts.rechecks[.noise], found.fallen > 0, found.scaledFall > facts.slack else { return nil }
    return Warning(
      code: "noise_finds_more",
      detail: """
        1,000 points of noise for each fooled the model on \(found.words): following the gradient is worse than guessing, so \
        gradients are masked.
        """,
      discredits: true)
  }

  /// Every image can be made into one of another class, so an attack without a bound must always succeed (Carlini et al. 2019,
  /// arXiv:1902.06705, section 4.3).
  static func unboundedFails(_ facts: EvaluationFacts) -> Warning? {
    guard let found = facts.rechecks[.unbounded], found.fallen < found.sample, let attack = facts.settings.strongest else { return nil }
    return Warning(
      code: "unbounded_attack_fails",
      detail: """
        \(attack.label) with no bound but [0, 1] fooled the model on \(found.fallen) of \(found.sample) examples only, where it should on \
        all: it does not find adversarial images that exist, so gradients are masked.
        """,
      discredits: true)
  }

  /// The attack that decides had not come to its end.
  static func notConverged(_ facts: EvaluationFacts) -> Warning? {
    guard let found = facts.rechecks[.doubled], found.lowersAccuracy(byMoreThan: 0.005), let attack = facts.settings.strongest else {
      return nil
    }
    let more = attack.adjustable(["steps", "restarts"]).map { "raise \($0) of \(attack.name)" } ?? "add an attack with more steps"
    return Warning(
      code: "not_converged",
      detail: "With twice the iterations the attack fooled the model on \(found.words): it has not converged, so \(more).",
      discredits: true, attack: attack.label)
  }
}

extension RecheckResult {
  fileprivate var words: String { "\(fallen) of \(sample) examples that withstood everything (of \(standing))" }
}
