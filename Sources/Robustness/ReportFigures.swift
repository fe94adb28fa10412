/// What a table of many jobs shows of a report.
package struct ReportFigures: Hashable, Sendable, Codable {
  package struct Figure: Hashable, Sendable, Codable {
    package let value: Double
    /// Its interval at 95 %.
    package let low: Double
    package let high: Double

    package init(value: Double, low: Double, high: Double) {
      self.value = value
      self.low = low
      self.high = high
    }
  }

  package let verdict: Verdict
  /// By the names of `Gate.Metric`; without those that were not measured.
  package let figures: [String: Figure]
  /// The codes of the warnings that discredit the robust accuracy, in order; that the evaluation is too weak for a verdict is not among
  /// them.
  package let discreditedBy: [String]

  package init(verdict: Verdict, figures: [String: Figure], discreditedBy: [String] = []) {
    self.verdict = verdict
    self.figures = figures
    self.discreditedBy = discreditedBy
  }

  /// Of the final model.
  package init(_ report: Report) {
    let gates = Gate.Metric.allCases.map { Gate(metric: $0, min: 0) }
    figures = gates.reduce(into: [:]) { figures, gate in
      let measured = gate.judge(report.after, warnings: [])
      guard let value = measured.value, !value.isNaN, let interval = measured.interval else { return }
      figures[gate.metric.rawValue] = Figure(value: value, low: interval.low, high: interval.high)
    }
    let robust = Gate(metric: .robustAccuracy, min: 0)
    discreditedBy = Set(report.warnings.filter { robust.discredits($0, report.after) }.map(\.code))
      .subtracting([Warning.weakEvaluationCode]).sorted()
    verdict = report.verdict
  }

  private enum CodingKeys: String, CodingKey {
    case verdict, figures
    case discreditedBy = "discredited_by"
  }
}
