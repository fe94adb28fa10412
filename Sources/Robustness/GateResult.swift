/// A gate's verdict with its evidence: the gate's own members, and `{value, interval, verdict, detail}`.
package struct GateResult: Hashable, Sendable, Codable {
  package var gate: Gate
  /// `nil` when the metric was not measured.
  package var value: Double?
  package var interval: ConfidenceInterval?
  package var verdict: Verdict
  /// What the numbers alone do not show: why the gate is inconclusive, or what stands beside them.
  package var detail: String?

  package init(gate: Gate, value: Double?, interval: ConfidenceInterval?, verdict: Verdict, detail: String? = nil) {
    self.gate = gate
    self.value = value
    self.interval = interval
    self.verdict = verdict
    self.detail = detail
  }

  /// Whether the bound lies within the interval, so that the gate passes with neither end or fails with neither.
  package var straddles: Bool { interval.map { gate.bound.verdict(of: $0) == .inconclusive } ?? false }

  private enum CodingKeys: String, CodingKey { case value, interval, verdict, detail }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    gate = try Gate(from: decoder)
    value = try container.decodeIfPresent(Double.self, forKey: .value)
    interval = try container.decodeIfPresent(ConfidenceInterval.self, forKey: .interval)
    verdict = try container.decode(Verdict.self, forKey: .verdict)
    detail = try container.decodeIfPresent(String.self, forKey: .detail)
  }

  package func encode(to encoder: any Encoder) throws {
    try gate.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(value, forKey: .value)
    try container.encodeIfPresent(interval, forKey: .interval)
    try container.encode(verdict, forKey: .verdict)
    try container.encodeIfPresent(detail, forKey: .detail)
  }
}

extension Gate.Bound {
  /// By the ends of the interval: passes when all of it keeps the bound, fails when none of it does.
  package func verdict(of interval: ConfidenceInterval) -> Verdict {
    switch self {
    case .atLeast(let bound): interval.low >= bound ? .pass : interval.high < bound ? .fail : .inconclusive
    case .atMost(let bound): interval.high <= bound ? .pass : interval.low > bound ? .fail : .inconclusive
    }
  }
}
