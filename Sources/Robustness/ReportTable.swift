/// A report as plain text for a terminal: before and after side by side.
package struct ReportTable {
  private let report: Report
  private let sections: ReportSections

  /// Whether the curve is drawn.
  private let bars: Bool

  package init(_ report: Report, bars: Bool = false) {
    self.report = report
    self.bars = bars
    sections = ReportSections(report)
  }

  /// The table as text, with a line break at the end.
  package var text: String {
    let blocks = [[sections.data, sections.model], accuracies, curve, gates, warnings].filter { !$0.isEmpty }
    return blocks.map { $0.joined(separator: "\n") + "\n" }.joined(separator: "\n")
  }

  private var accuracies: [String] { Self.aligned([sections.accuracies.head] + sections.accuracies.rows) }

  private var curve: [String] {
    guard let table = sections.curve else { return [] }
    guard bars else { return Self.aligned([[table.title]] + table.rows) }
    // Below each other for each epsilon, so that both bars have the width of a terminal.
    let sides = (report.before.map { [("before", $0)] } ?? []) + [(report.before == nil ? "model" : "after", report.after)]
    let rows = report.after.curve.flatMap { point in
      sides.enumerated().map { index, side -> [String] in
        let accuracy = side.1.curve.first { $0.epsilon == point.epsilon }?.accuracy
        let bar = accuracy.map { BlockCharacters.bar($0.value, width: Self.barWidth) } ?? ""
        return [index == 0 ? "\(point.epsilon)" : "", side.0, accuracy.map { shownShare($0.value) } ?? "–", bar]
      }
    }
    return [table.title] + Self.aligned(rows)
  }

  private static let barWidth = 50

  private var gates: [String] { Self.aligned(sections.gates.rows) + sections.gateDetails + ["verdict: \(report.verdict.rawValue)"] }

  private var warnings: [String] { report.warnings.map { "warning \($0.code): \($0.detail)" } }

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

extension Evaluation {
  fileprivate func attack(_ label: String) -> Attacked? { attacks.first { $0.label == label } }
}
