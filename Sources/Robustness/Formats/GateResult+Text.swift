/// What a gate measured, as text.
extension GateResult {
  /// `71.8%`; a dash for what was not measured.
  package var shownValue: String { value.map(shown) ?? "–" }

  /// `[69.1%, 74.7%]`; empty without an interval.
  package var shownInterval: String { interval.map { "[\(shown($0.low)), \(shown($0.high))]" } ?? "" }

  /// A figure of the gate's metric.
  private func shown(_ figure: Double) -> String { gate.metric.isAccuracy ? shownShare(figure) : "\(figure)" }

  /// What was measured, and what that means for the gate.
  var sentence: String {
    let within = interval == nil ? "" : ", interval \(shownInterval)"
    let measured = value == nil ? "It was not measured." : "Measured: \(shownValue)\(within)."
    return (["\(gate.title): \(Self.outcome(verdict)).", measured] + (detail.map { [$0] } ?? [])).joined(separator: " ")
  }

  private static func outcome(_ verdict: Verdict) -> String {
    switch verdict {
    case .pass: "the gate passes"
    case .fail: "the gate fails"
    case .inconclusive: "the gate is inconclusive"
    }
  }
}
