import Foundation
import JSON

/// A report as one page of HTML that needs nothing else, so that it can be mailed and printed: no script, its pictures and one style sheet
/// within, which `policy` names by its digest.
struct HTMLReport {
  private let document: ReportDocument
  private let sections: ReportSections

  init(_ document: ReportDocument) {
    self.document = document
    sections = ReportSections(document.report)
  }

  /// The Content-Security-Policy of the page: its own style sheet, pictures within it and nothing more, as the page says of itself where no
  /// server does.
  static let policy =
    "default-src 'none'; style-src '\(VectorPicture.digest(of: style))'; img-src data:; base-uri 'none'; form-action 'none'"

  private static let style = """
    :root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.4 }
    body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
    .headline { font-size: 1.25rem; max-width: 50rem }
    figure { margin: 1.5rem 0; break-inside: avoid }
    figcaption { font-weight: bold; padding-bottom: 0.3rem }
    img { max-width: 100% }
    table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums }
    caption { text-align: left; font-weight: bold; padding: 0.3rem 0 }
    th, td { border: 1px solid #8888; padding: 0.3rem 0.7rem; text-align: left }
    pre { overflow: auto; border: 1px solid #8888; padding: 0.7rem }
    .verdict { font-size: 1.3rem; font-weight: bold }
    .pass { color: #1a7a2a }
    .fail { color: #c02020 }
    .inconclusive { color: #8a5a00 }
    @media (prefers-color-scheme: dark) { .pass { color: #5fd070 } .fail { color: #ff8080 } .inconclusive { color: #f0b040 } }
    li, p { overflow-wrap: anywhere }
    @media print {
      body { margin: 0; max-width: none; font-size: 10pt }
      table, li, pre { break-inside: avoid }
    }

    """ + VectorPicture.style

  func text() throws -> String { "<!DOCTYPE html>\n" + Markup("html", [("lang", "en")], .elements([head, try body()])).text() }

  private var head: Markup {
    Markup(
      "head", [],
      .elements([
        Markup("meta", [("charset", "utf-8")]),
        Markup("meta", [("http-equiv", "Content-Security-Policy"), ("content", Self.policy)]),
        Markup("meta", [("name", "viewport"), ("content", "width=device-width, initial-scale=1")]),
        Markup("title", text: "\(document.title): \(document.report.verdict.rawValue)"),
        Markup("style", [], .raw(Self.style)),
      ]))
  }

  private func body() throws -> Markup {
    let report = document.report
    let verdict = report.verdict.rawValue
    let summary = [
      Markup("h1", text: document.title), Markup("p", [("class", "verdict \(verdict)")], text: "Verdict: \(verdict)"),
      Markup("p", [("class", "headline")], text: ReportHeadline(report).text), Self.list(facts),
    ]
    // What was asked for, what to doubt, and what that is of; then the pictures, and the figures that they show.
    let asked = Self.tables([sections.gates]) + list("Why gates are inconclusive", sections.gateDetails)
    let doubts = list("Warnings", report.warnings.map { "\($0.code): \($0.detail)" })
    let figures =
      Self.tables([sections.accuracies, sections.card]) + (try pictures())
      + Self.tables([sections.curve, sections.classes, sections.effort, sections.times].compactMap { $0 })
    return Markup(
      "body", [],
      .elements(
        summary + asked + doubts + figures
          + [Markup("h2", text: "Spec"), Markup("pre", text: report.spec.serialised(pretty: true))]))
  }

  /// Those that the report has, within the page.
  private func pictures() throws -> [Markup] {
    let report = document.report
    let confusion = report.after.confusion.map { ConfusionMatrix($0, classes: report.dataset.classes).picture }
    let drawn: [(title: String, content: Markup)] =
      [("Accuracy by ε", AccuracyCurve(report).picture.markup)]
      + (TrainingHistory(document.history).picture.map { [("Training", $0.markup)] } ?? [])
      + (confusion.map { [("Predictions by class", $0.markup)] } ?? [])
      + (try document.examples?.png().map { [("Adversarial examples", Self.image($0))] } ?? [])
    return drawn.map { Markup("figure", [], .elements([Markup("figcaption", text: $0.title), $0.content])) }
  }

  private static func image(_ png: [UInt8]) -> Markup {
    Markup(
      "img",
      [
        ("src", "data:image/png;base64,\(Data(png).base64EncodedString())"),
        ("alt", "Clean images, the adversarial images that were found, and their differences"),
      ])
  }

  private var facts: [String] {
    let model = document.report.model
    return [sections.data, sections.model, "weights: SHA-256 \(model.sha256)"]
      + (model.baseSHA256.map { ["base weights: SHA-256 \($0)"] } ?? []) + (document.origin.job.map { ["job: \($0)"] } ?? [])
      + ["ended: \(document.origin.finishedAt)", "Temper \(document.origin.version)"]
      + (document.report.gates.isEmpty ? ["The spec has no gates, so nothing was asked of the model."] : [])
  }

  private func list(_ title: String, _ items: [String]) -> [Markup] {
    items.isEmpty ? [] : [Markup("h2", text: title), Self.list(items)]
  }

  private static func list(_ items: [String]) -> Markup { Markup("ul", [], .elements(items.map { Markup("li", text: $0) })) }

  private static func tables(_ tables: [ReportSections.Table]) -> [Markup] { tables.filter { !$0.rows.isEmpty }.map(table) }

  private static func table(_ table: ReportSections.Table) -> Markup {
    let head = Markup("tr", [], .elements(table.head.map { Markup("th", [("scope", "col")], text: $0) }))
    let rows = table.rows.map { row in
      // A verdict in its colour.
      let cells = zip(table.head, row).map { Markup("td", $0 == "verdict" ? [("class", $1)] : [], text: $1) }
      return Markup("tr", [], .elements(cells))
    }
    return Markup(
      "table", [],
      .elements([
        Markup("caption", text: table.title), Markup("thead", [], .elements([head])), Markup("tbody", [], .elements(rows)),
      ]))
  }
}
