import Files
import Foundation
import FoundationXML
import JSON
import Robustness
import Testing

@Suite("Reports for readers") struct ReportFormatTests {
  @Test("every format has a suffix and a media type of its own, and writes the same text for the same report") func table() throws {
    #expect(Set(ReportFormat.all.map(\.suffix)) == ["html", "md", "csv", "junit.xml", "sarif"])
    #expect(Set(ReportFormat.all.map(\.mediaType)).count == ReportFormat.all.count)
    for format in ReportFormat.all {
      #expect(format.contentType.hasPrefix(format.mediaType))
      for sample in SampleDocument.allCases { #expect(try format.write(sample.document()) == format.write(sample.document())) }
    }
  }

  @Test(
    "every format says the verdict's numbers: clean, under each attack, and where the weights are",
    arguments: ReportFormat.all.map(\.suffix))
  func sameFacts(suffix: String) throws {
    guard suffix != "sarif" else { return }
    let format = try #require(ReportFormat.all.first { $0.suffix == suffix })
    let text = try format.write(SampleDocument.failing.document())
    for fact in ["job_0001", "pgd-40", "fgsm"] { #expect(text.contains(fact), "\(fact)") }
    #expect(text.contains("99.0%") || text.contains("0.99"))
    #expect(text.contains("72.0%") || text.contains("0.72"))
  }

  // MARK: Markdown

  private func markdown(_ sample: SampleDocument) throws -> [String] {
    try ReportFormat.markdown.write(sample.document()).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  @Test("Markdown begins with the verdict; gates, accuracies before and after, the curve and the warnings follow") func summary() throws {
    let lines = try markdown(.discredited)
    #expect(lines.first == "## pets: inconclusive")
    #expect(lines.contains("| gate | measured | interval | verdict |"))
    #expect(lines.contains("| robust_accuracy (pgd) ≥ 0.6 | 72.0% | \\[69.1%, 74.7%\\] | inconclusive |"))
    #expect(lines.contains { $0.hasPrefix("- Discredited by zero_gradients.") })
    #expect(lines.contains("| accuracy | before | after |"))
    #expect(lines.contains("| pgd-40 | 1.0% \\[0.5%, 1.8%\\] | 72.0% \\[69.1%, 74.7%\\] |"))
    #expect(lines.contains("| worst class | 0.0% (dog) | 44.0% (pets) |"))
    #expect(lines.contains("### pgd-40 by ε"))
    #expect(lines.contains("- `no_validation`: Nothing was held out."))
    #expect(try markdown(.withoutGates).contains("The spec has no gates, so nothing was asked of the model."))
  }

  @Test("a name adds neither a cell nor an element to Markdown") func markdownNames() throws {
    let lines = try markdown(.hostile)
    var columns: Int?
    for line in lines {
      guard line.hasPrefix("|") else {
        columns = nil
        let tags = line.replacing(/<\/?(details|summary)>/, with: "").replacing("\\]", with: "")
        #expect(!tags.contains("<") && !tags.contains("](") && !tags.contains("\r"), "\(line)")
        continue
      }
      let bars = line.replacing("\\|", with: "").count { $0 == "|" }
      #expect(bars == columns ?? bars, "\(line)")
      columns = bars
      #expect(!line.contains("<"), "\(line)")
    }
  }

  @Test("a job without a report says why, in Markdown too") func missing() throws {
    let write = try #require(ReportFormat.markdown.writeMissing)
    let spec = try SpecSource(uri: "x.json", text: SampleDocument.specText().utf8)
    let text = try write(MissingReport("The job failed: <no memory>.", from: SampleDocument.origin, spec: spec))
    #expect(text == "## pets: no verdict\n\nThe job failed: &lt;no memory&gt;.\n")
  }

  // MARK: HTML

  @Test("the page is well-formed, has no script and nothing from elsewhere", arguments: SampleDocument.allCases)
  func page(sample: SampleDocument) throws {
    let text = try ReportFormat.html.write(sample.document())
    #expect(text.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
    let root = try #require(try XMLDocument(data: Data(text.utf8), options: []).rootElement())
    let allowed: Set = [
      "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "ul", "li", "table", "caption", "thead", "tbody", "tr", "th", "td",
      "pre", "figure", "figcaption", "svg", "path", "text",
    ]
    for element in elements(root) {
      #expect(allowed.contains(element.name ?? ""), "\(element.name ?? "")")
      let attributes = Set((element.attributes ?? []).compactMap(\.name))
      #expect(
        attributes.isSubset(of: [
          "lang", "charset", "name", "content", "http-equiv", "class", "scope", "viewBox", "width", "height", "role", "aria-label", "d",
          "x", "y",
          "text-anchor",
        ]), "\(attributes)")
    }
    #expect(!text.contains("url(") && !text.contains("@import"))
  }

  private func elements(_ element: XMLElement) -> [XMLElement] {
    [element] + (element.children ?? []).compactMap { $0 as? XMLElement }.flatMap(elements)
  }

  @Test("the policy of the page lets in its own style sheet, by its digest, and nothing else") func policy() throws {
    let policy = try #require(ReportFormat.html.contentSecurityPolicy)
    let text = try ReportFormat.html.write(SampleDocument.passing.document())
    let style = try #require(text.firstMatch(of: /<style>([^<]*)<\/style>/)?.output.1)
    let digest = SHA256Digest()
    digest.update(Array(style.utf8))
    #expect(policy.contains("style-src 'sha256-\(Data(digest.finish()).base64EncodedString())'"))
    #expect(policy.hasPrefix("default-src 'none'; ") && !policy.contains("unsafe"))
    #expect(ReportFormat.all.filter { $0.contentSecurityPolicy != nil }.map(\.suffix) == ["html"])
  }

  @Test("the page has every table, and the spec") func tables() throws {
    let text = try ReportFormat.html.write(SampleDocument.failing.document())
    for caption in ["gates", "model card", "accuracy", "pgd-40 by ε", "classes", "effort", "seconds by phase"] {
      #expect(text.contains("<caption>\(caption)</caption>"), "\(caption)")
    }
    #expect(text.contains("<td class=\"fail\">fail</td>"))
    #expect(text.contains("&quot;metric&quot;: &quot;robust_accuracy&quot;"))
  }

  // MARK: CSV

  @Test("CSV has a row for each accuracy of each model, all of the same length") func csv() throws {
    let rows = try csv(.failing)
    let head = rows[0]
    #expect(rows.allSatisfy { $0.count == head.count })
    func row(_ model: String, _ measure: String, _ attack: String, _ ofClass: String = "", epsilon: String = "0.15") -> [String: String]? {
      rows.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(head, $0)) }.first {
        $0["model"] == model && $0["measure"] == measure && $0["attack"] == attack && $0["class"] == ofClass && $0["epsilon"] == epsilon
      }
    }
    #expect(row("before", "clean", "", epsilon: "0.0")?["correct"] == "990")
    let attack = row("after", "attack", "pgd-40")
    #expect(attack?["accuracy"] == "0.72" && attack?["total"] == "1000" && attack?["norm"] == "linf" && attack?["job"] == "job_0001")
    #expect(attack?["gradient_evaluations"] == "1000" && attack?["seconds"] == "1.5")
    #expect(row("before", "all_attacks", "")?["correct"] == "10")
    #expect(row("after", "curve", "pgd-40")?["correct"] == "720")
    #expect(row("after", "class_all_attacks", "", "pets")?["correct"] == "220")
    // Clean, each attack, all of them, two classes twice, two points.
    #expect(rows.count == 1 + 2 * (1 + SampleDocument.failing.report.after.attacks.count + 1 + 2 * 2 + 2))
  }

  @Test("a name is one cell of CSV, and never a formula") func csvNames() throws {
    let rows = try csv(.hostile)
    #expect(rows.allSatisfy { $0.count == rows[0].count })
    #expect(rows.contains { $0.contains(SampleDocument.hostileName) })
    var report = SampleDocument.passing.report
    report.after.perClass[0].name = "=1+1"
    let text = try ReportFormat.csv.write(ReportDocument(report, from: SampleDocument.origin))
    #expect(text.contains(",'=1+1,") && !text.contains(",=1+1,"))
  }

  /// Reads CSV by RFC 4180.
  private func csv(_ sample: SampleDocument) throws -> [[String]] {
    let text = Array(try ReportFormat.csv.write(sample.document()).unicodeScalars)
    var (rows, row, cell, isQuoted): ([[String]], [String], String, Bool) = ([], [], "", false)
    var index = 0
    while index < text.count {
      let scalar = text[index]
      index += 1
      switch (scalar, isQuoted) {
      case ("\"", true) where index < text.count && text[index] == "\"":
        cell.unicodeScalars.append(scalar)
        index += 1
      case ("\"", _): isQuoted.toggle()
      case (",", false):
        row.append(cell)
        cell = ""
      case ("\r", false) where index < text.count && text[index] == "\n":
        index += 1
        rows.append(row + [cell])
        (row, cell) = ([], "")
      default: cell.unicodeScalars.append(scalar)
      }
    }
    #expect(row.isEmpty && cell.isEmpty && !isQuoted)
    return rows
  }
}
