import Attacks

/// What keeps gates from a verdict.
extension Warning {
  package static let weakEvaluationCode = "weak_evaluation"

  /// Nobody said what would be good enough.
  package static func noGates(_ gates: [Gate]) -> Warning? {
    guard gates.isEmpty else { return nil }
    return Warning(
      code: "no_gates",
      detail: """
        The spec has no gates, so that there is nothing to pass: name in gates what the model must reach, such as \
        {"metric": "robust_accuracy", "min": 0.5}.
        """)
  }

  /// No attack that ran carries a verdict: what withstands a single loss or few steps says little (Croce and Hein 2020,
  /// arXiv:2003.01690, section 2).
  package static func weakEvaluation(_ attacks: [AttackSettings], norm: Norm) -> Warning? {
    let strength = EvaluationStrength(attacks)
    guard !attacks.isEmpty, !strength.isStrong else { return nil }
    return Warning(
      code: weakEvaluationCode,
      detail: """
        No attack that ran (\(attacks.map(\.label).joined(separator: ", "))) carries a verdict, so a robust accuracy here is no more than \
        an upper bound: stronger attacks may find what these missed. To judge by it, \(strength.advice(for: norm)).
        """,
      discredits: true)
  }

  /// The bound of a gate lies within the confidence interval.
  package static func sampleTooSmall(_ result: GateResult) -> Warning? {
    guard result.straddles, let value = result.value, let interval = result.interval else { return nil }
    return Warning(
      code: "sample_too_small",
      detail: """
        Gate \(result.gate.title): the interval \(result.gate.written(interval.low)) to \(result.gate.written(interval.high)) contains \
        the bound, so the sample cannot tell; \(advice(value, result.gate)).
        """)
  }

  private static func advice(_ value: Double, _ gate: Gate) -> String {
    // How many would do is known for an accuracy of all examples alone.
    let isPlain = gate.metric.isAccuracy && gate.against == nil && gate.ofClass == nil && gate.metric != .worstClassAccuracy
    guard isPlain else { return "evaluate more examples, or move the bound" }
    return ConfidenceInterval.samples(toTell: value, from: gate.bound.value).map { "about \($0) examples would tell" }
      ?? "no number of examples will tell, so move the bound"
  }
}

extension Gate {
  /// A value of its metric.
  package func written(_ value: Double) -> String { metric.isAccuracy ? percent(value) : "\(value)" }
}
