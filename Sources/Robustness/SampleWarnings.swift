/// Samples that are too small for a verdict.
extension Warning {
  /// The bound of a gate lies within the confidence interval.
  package static func sampleTooSmall(_ result: GateResult) -> Warning? {
    guard result.straddles, let value = result.value else { return nil }
    let advice =
      WilsonInterval.samples(toTell: value, from: result.gate.min).map { "about \($0) examples would tell" }
      ?? "no number of examples will tell, so move the bound"
    return Warning(
      code: "sample_too_small",
      detail: """
        Gate \(result.gate.title): the interval \(percent(result.interval?.low ?? 0)) to \(percent(result.interval?.high ?? 1)) contains \
        the bound, so the sample cannot tell; \(advice).
        """)
  }
}
