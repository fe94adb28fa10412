/// A report as GitHub-flavoured Markdown: the summary of a step, or a comment. The verdict comes first, what went into it after.
struct MarkdownReport {
  private let blocks: [String]

  init(_ document: ReportDocument) {
    let report = document.report
    let sections = ReportSections(report)
    blocks =
      [
        "## \(Self.escaped(document.title)): \(report.verdict.rawValue)",
        Self.escaped(ReportHeadline(report).text),
        Self.list(Self.facts(document, sections)),
        "### Gates", report.gates.isEmpty ? "The spec has no gates, so nothing was asked of the model." : Self.table(sections.gates),
        Self.list(sections.gateDetails.map(Self.escaped)),
        "### Accuracy", Self.table(sections.accuracies),
      ] + (sections.curve.map { ["### \(Self.escaped($0.title))", Self.table($0)] } ?? [])
      + (report.warnings.isEmpty
        ? [] : ["### Warnings", Self.list(report.warnings.map { "\(Self.code($0.code)): \(Self.escaped($0.detail))" })])
      + [Self.folded(sections.card), Self.folded(sections.classes), Self.folded(sections.effort), Self.folded(sections.times)]
  }

  init(_ missing: MissingReport) { blocks = ["## \(Self.escaped(missing.title)): no verdict", Self.escaped(missing.reason)] }

  var text: String { blocks.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n" }

  private static func facts(_ document: ReportDocument, _ sections: ReportSections) -> [String] {
    let model = document.report.model
    return ["data: \(escaped(sections.data))", "model: \(escaped(sections.model))", "weights: SHA-256 \(code(model.sha256))"]
      + (model.baseSHA256.map { ["base weights: SHA-256 \(code($0))"] } ?? [])
      + (document.origin.job.map { ["job: \(code($0))"] } ?? [])
  }

  private static func list(_ items: [String]) -> String { items.map { "- \($0)" }.joined(separator: "\n") }

  private static func table(_ table: ReportSections.Table) -> String {
    let rows = [table.head, table.head.map { _ in "---" }] + table.rows.map { $0.map(escaped) }
    return rows.map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
  }

  /// A table that is shown when it is asked for.
  private static func folded(_ table: ReportSections.Table) -> String {
    guard !table.rows.isEmpty else { return "" }
    return "<details><summary>\(escaped(table.title))</summary>\n\n\(Self.table(table))\n\n</details>"
  }

  /// For words of Temper's own, which have no backtick.
  private static func code(_ text: String) -> String { "`\(text.replacing("`", with: ""))`" }

  /// Without what has a meaning in Markdown or HTML, on one line: names are their users'. An underscore within a word has none.
  private static func escaped(_ text: String) -> String {
    var result = ""
    var previous: Unicode.Scalar = " "
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\\", "`", "*", "[", "]", "|", "~", "$", "#", "!": result += "\\\(scalar)"
      case "_" where !previous.properties.isAlphabetic: result += "\\_"
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}": result += " "
      default: result.unicodeScalars.append(scalar)
      }
      previous = scalar
    }
    return result
  }
}
