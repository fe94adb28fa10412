/// The verdict of a gate, or of all gates of a job.
package enum Verdict: String, CaseIterable, Hashable, Sendable, Codable {
  case pass, fail, inconclusive

  /// The verdict of several gates: `fail` if any fails, else `inconclusive` if any is inconclusive, else `pass`. Without gates it is
  /// `pass`.
  package init(of gates: [GateResult]) {
    let verdicts = gates.map(\.verdict)
    self = verdicts.contains(.fail) ? .fail : verdicts.contains(.inconclusive) ? .inconclusive : .pass
  }
}

/// A lower bound that a model must reach.
package struct Gate: Hashable, Sendable, Codable {
  package enum Metric: String, CaseIterable, Hashable, Sendable, Codable {
    case cleanAccuracy = "clean_accuracy"
    case robustAccuracy = "robust_accuracy"
    /// The lowest robust accuracy of any class.
    case worstClassAccuracy = "worst_class_accuracy"
  }

  package var metric: Metric
  /// An attack of the evaluation by name (`pgd` means the strongest of that name) or by label (`pgd-40`); `nil` for all attacks together.
  /// It is ignored for `clean_accuracy`.
  package var attack: String?
  /// A fraction of 1.
  package var min: Double

  package init(metric: Metric, attack: String? = nil, min: Double) {
    self.metric = metric
    self.attack = attack
    self.min = min
  }

  /// The gate as text: `robust_accuracy (pgd) ≥ 0.6`.
  package var title: String { metric.rawValue + (attack.map { " (\($0))" } ?? "") + " ≥ \(min)" }

  /// Passes when the lower end of the interval reaches `min`, fails when the upper end is below it, and is inconclusive otherwise.
  ///
  /// A robust accuracy that was not measured, or that one of `warnings` discredits, is inconclusive. The accuracy under all attacks
  /// together rests on the strongest attack, so a warning about a weaker one does not discredit it.
  package func judge(_ evaluation: Evaluation, warnings: [Warning]) -> GateResult {
    guard let measured = measure(evaluation) else {
      return GateResult(
        gate: self, value: nil, interval: nil, verdict: .inconclusive,
        detail: "The evaluation ran no attack \(attack.map { "named \($0)" } ?? "at all").")
    }
    let interval = measured.interval
    let byNumber: Verdict = interval.low >= min ? .pass : interval.high < min ? .fail : .inconclusive
    let doubts = metric == .cleanAccuracy ? [] : warnings.filter { discredits($0, evaluation) }.map(\.code)
    let detail = doubts.isEmpty ? nil : "Discredited by \(Set(doubts).sorted().joined(separator: ", "))."
    return GateResult(
      gate: self, value: measured.value, interval: interval, verdict: doubts.isEmpty ? byNumber : .inconclusive, detail: detail)
  }

  private func discredits(_ warning: Warning, _ evaluation: Evaluation) -> Bool {
    warning.discredits && (warning.attack == nil || warning.attack == evaluation.decisiveAttack(under: attack))
  }

  private func measure(_ evaluation: Evaluation) -> Proportion? {
    switch metric {
    case .cleanAccuracy: evaluation.cleanAccuracy
    case .robustAccuracy: evaluation.robustAccuracy(under: attack)
    case .worstClassAccuracy: evaluation.worstClassAccuracy(under: attack)
    }
  }
}

/// A gate's verdict with its evidence: `{metric, attack, min, value, interval, verdict, detail}`.
package struct GateResult: Hashable, Sendable, Codable {
  package var gate: Gate
  /// `nil` when the metric was not measured.
  package var value: Double?
  package var interval: WilsonInterval?
  package var verdict: Verdict
  /// Why the gate is inconclusive, if the interval alone does not show it.
  package var detail: String?

  package init(gate: Gate, value: Double?, interval: WilsonInterval?, verdict: Verdict, detail: String? = nil) {
    self.gate = gate
    self.value = value
    self.interval = interval
    self.verdict = verdict
    self.detail = detail
  }

  /// Whether the bound lies within the interval.
  package var straddles: Bool { interval.map { $0.low < gate.min && gate.min <= $0.high } ?? false }

  private enum CodingKeys: String, CodingKey { case metric, attack, min, value, interval, verdict, detail }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    gate = try Gate(from: decoder)
    value = try container.decodeIfPresent(Double.self, forKey: .value)
    interval = try container.decodeIfPresent(WilsonInterval.self, forKey: .interval)
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
