import Foundation
import FoundationXML
import JSON
import Robustness
import Testing

@Suite("JUnit XML") struct JUnitTests {
  /// What both schemas take that readers of this format go by: Ant's (windyroad/JUnit-Schema, JUnit.xsd) and that of Jenkins' xUnit plugin
  /// (junit-10.xsd). Attributes in either, the required ones first; what may stand within, in that order.
  private static let schema: [String: (required: Set<String>, optional: Set<String>, children: [String])] = [
    "testsuites": ([], [], ["testsuite"]),
    "testsuite": (
      ["name", "timestamp", "hostname", "tests", "failures", "errors", "time", "package", "id"], ["skipped"],
      ["properties", "testcase", "system-out", "system-err"]
    ),
    "properties": ([], [], ["property"]), "property": (["name", "value"], [], []),
    "testcase": (["name", "classname", "time"], [], ["failure", "error"]), "failure": (["type", "message"], [], []),
    "error": (["type", "message"], [], []), "system-out": ([], [], []), "system-err": ([], [], []),
  ]

  private func root(_ text: String) throws -> XMLElement {
    try #require(try XMLDocument(data: Data(text.utf8), options: []).rootElement())
  }

  private func root(_ sample: SampleDocument) throws -> XMLElement { try root(ReportFormat.junit.write(sample.document())) }

  private func root(missing reason: String) throws -> XMLElement {
    let write = try #require(ReportFormat.junit.writeMissing)
    return try root(write(MissingReport(reason, from: SampleDocument.origin)))
  }

  private func faults(_ element: XMLElement) -> [String] {
    let name = element.name ?? ""
    guard let rule = Self.schema[name] else { return ["no element \(name)"] }
    let given = Set((element.attributes ?? []).compactMap(\.name))
    let children = element.elements
    let places = children.map { rule.children.firstIndex(of: $0.name ?? "") ?? -1 }
    return rule.required.subtracting(given).map { "\(name) has no \($0)" }
      + given.subtracting(rule.required).subtracting(rule.optional).map { "\(name) has \($0)" }
      + (places.contains(-1) || places != places.sorted() ? ["\(name) has \(children.compactMap(\.name))"] : [])
      + children.flatMap(faults)
  }

  @Test("every file is well-formed and as both schemas have it", arguments: SampleDocument.allCases)
  func valid(sample: SampleDocument) throws {
    for root in [try root(sample), try root(missing: "The job failed.")] {
      #expect(faults(root) == [])
      let suite = try #require(root.elements("testsuite").first)
      for count in ["tests", "failures", "errors", "skipped", "id"] { #expect(suite[count].flatMap { Int($0) } != nil) }
      #expect(suite["time"]?.contains(/^[0-9]+\.[0-9]{3}$/) == true)
      #expect(suite["timestamp"] == "2026-03-04T05:06:07" && suite["hostname"] == "localhost")
      let cases = suite.elements("testcase")
      #expect(suite["tests"] == "\(cases.count)" && !cases.isEmpty)
      #expect(suite["failures"] == "\(cases.flatMap { $0.elements("failure") }.count)")
      #expect(suite["errors"] == "\(cases.flatMap { $0.elements("error") }.count)")
      #expect(Set(cases.compactMap { $0["name"] }).count == cases.count)
    }
  }

  @Test("a failed gate is a failure, an inconclusive one an error, one that passes is empty") func outcomes() throws {
    func outcomes(_ sample: SampleDocument) throws -> [[String]] {
      try root(sample).elements("testsuite").flatMap { $0.elements("testcase") }.map { $0.elements.compactMap(\.name) }
    }
    #expect(try outcomes(.passing) == [[], []])
    #expect(try outcomes(.failing) == [[], ["failure"]])
    #expect(try outcomes(.inconclusive) == [[], ["error"]])
    #expect(try outcomes(.discredited) == [[], ["error"]])
    let failure = try root(.failing).elements("testsuite")[0].elements("testcase")[1]
    #expect(failure["name"] == "robust_accuracy (pgd) ≥ 0.75" && failure["classname"] == "temper.pets")
    #expect(failure.elements[0]["message"]?.contains("72.0%, interval [69.1%, 74.7%]") == true)
  }

  @Test("without gates, and without a report, one case is an error") func withoutVerdict() throws {
    for (root, type) in [(try root(.withoutGates), "no_gates"), (try root(missing: "The job failed: no memory."), "no_verdict")] {
      let cases = root.elements("testsuite").flatMap { $0.elements("testcase") }
      #expect(cases.map { $0["name"] } == ["gates"])
      #expect(cases.first?.elements("error").first?["type"] == type)
    }
  }

  @Test("two gates of one title are two cases") func twice() throws {
    var report = SampleDocument.passing.report
    report.gates.append(report.gates[0])
    let text = try ReportFormat.junit.write(ReportDocument(report, from: SampleDocument.origin))
    let names = try root(text).elements("testsuite").flatMap { $0.elements("testcase") }.compactMap { $0["name"] }
    #expect(names == ["clean_accuracy ≥ 0.9", "robust_accuracy (pgd) ≥ 0.6", "clean_accuracy ≥ 0.9 (2)"])
  }

  @Test("the properties name the job, the model by its digest, and the accuracies with their intervals") func properties() throws {
    let known = try root(.passing).elements("testsuite")[0].elements("properties")[0].elements
    let values = Dictionary(uniqueKeysWithValues: known.map { ($0["name"] ?? "", $0["value"] ?? "") })
    #expect(values["job"] == "job_0001" && values["temper"] == "1.2.3" && values["verdict"] == "pass")
    #expect(values["model.sha256"] == "ab" && values["model.base_sha256"] == "cd")
    #expect(values["clean_accuracy"] == "0.99" && values["robust_accuracy"] == "0.72" && values["robust_accuracy.fgsm"] == "0.8")
    #expect(values["before.robust_accuracy"] == "0.01")
    // Wilson's interval of 720 in 1,000.
    #expect(values["robust_accuracy.pgd-40.low"]?.hasPrefix("0.69136992") == true)
    #expect(values["robust_accuracy.pgd-40.high"]?.hasPrefix("0.74694629") == true)
  }

  @Test("names come out as they went in, but for characters that XML cannot have") func hostile() throws {
    let suite = try root(.hostile).elements("testsuite")[0]
    let readable = SampleDocument.hostileName.unicodeScalars.map { [1, 13, 0xFFFF].contains($0.value) ? "\u{FFFD}" : String($0) }.joined()
    #expect(suite["name"] == readable)
    #expect(suite.elements("testcase")[0]["name"]?.contains(readable) == true)
    #expect(suite.elements("testcase")[0].elements("error")[0].stringValue?.contains(readable) == true)
  }
}

extension XMLElement {
  fileprivate var elements: [XMLElement] { (children ?? []).compactMap { $0 as? XMLElement } }
  fileprivate func elements(_ name: String) -> [XMLElement] { elements.filter { $0.name == name } }
  fileprivate subscript(_ attribute: String) -> String? { self.attribute(forName: attribute)?.stringValue }
}
