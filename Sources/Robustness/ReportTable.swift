/// A report as plain text for a terminal: before and after side by side.
package struct ReportTable {
  private let report: Report

  package init(_ report: Report) { self.report = report }

  /// The table as text, with a line break at the end.
  package var text: String {
    let blocks = [heading, accuracies, curve, gates, warnings].filter { !$0.isEmpty }
    return blocks.map { $0.joined(separator: "\n") + "\n" }.joined(separator: "\n")
  }

  private var heading: [String] {
    let data = report.dataset
    let shape = data.shape.map(String.init).joined(separator: "×")
    let threat = report.after.threat
    return [
      "\(data.name): \(data.evaluatedCount) of \(data.testCount) test images (\(shape), \(data.classes.count) classes)",
      "\(report.model.architecture), \(report.model.parameters) parameters, against \(threat.norm.symbol) ≤ \(threat.epsilon)",
    ]
  }

  private var accuracies: [String] {
    var rows = [["accuracy"] + (report.before == nil ? ["model"] : ["before", "after"])]
    rows.append(row("clean") { $0.cleanAccuracy })
    for attack in report.after.attacks {
      rows.append(row(attack.label) { evaluation in evaluation.attacks.first { $0.label == attack.label }?.robustAccuracy })
    }
    if report.after.attacks.count > 1 { rows.append(row("all attacks") { $0.worstCase }) }
    rows.append(
      ["worst class"]
        + sides.map { side in
          side.worstClass.map { "\(Self.percent($0.robustAccuracy.value)) \($0.name)" } ?? "–"
        })
    return Self.aligned(rows)
  }

  private var curve: [String] {
    guard let attack = report.after.curveAttack ?? (report.after.curve.isEmpty ? nil : "clean") else { return [] }
    let rows = report.after.curve.map { point in
      row("\(point.epsilon)") { evaluation in evaluation.curve.first { $0.epsilon == point.epsilon }?.accuracy }
    }
    return Self.aligned([["\(attack) by ε"] + sides.map { _ in "" }] + rows)
  }

  private var gates: [String] {
    let rows = report.gates.map { result in
      [
        result.gate.title, result.value.map { Self.figure($0, of: result.gate) } ?? "–",
        result.interval.map { "[\(Self.figure($0.low, of: result.gate)), \(Self.figure($0.high, of: result.gate))]" } ?? "",
        result.verdict.rawValue,
      ]
    }
    return Self.aligned(rows) + report.gates.compactMap(\.detail) + ["verdict: \(report.verdict.rawValue)"]
  }

  private var warnings: [String] { report.warnings.map { "warning \($0.code): \($0.detail)" } }

  // MARK: Cells

  private var sides: [Evaluation] { (report.before.map { [$0] } ?? []) + [report.after] }

  private func row(_ title: String, _ measure: (Evaluation) -> Proportion?) -> [String] {
    [title] + sides.map { side in measure(side).map { "\(Self.percent($0.value)) \(Self.range($0.interval))" } ?? "–" }
  }

  private static func percent(_ share: Double) -> String {
    share.isFinite ? Robustness.percent(share).replacing(" %", with: "%") : "–"
  }

  private static func figure(_ value: Double, of gate: Gate) -> String { gate.metric.isAccuracy ? percent(value) : "\(value)" }

  private static func range(_ interval: ConfidenceInterval?) -> String {
    interval.map { "[\(percent($0.low)), \(percent($0.high))]" } ?? ""
  }

  /// The rows with columns of equal width, two spaces apart, without trailing spaces.
  private static func aligned(_ rows: [[String]]) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.compactMap { column < $0.count ? $0[column].count : nil }.max() ?? 0 }
    return rows.map { row in
      let padded = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
      return String(padded.reversed().drop { $0 == " " }.reversed())
    }
  }
}
