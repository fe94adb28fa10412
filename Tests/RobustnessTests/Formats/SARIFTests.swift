import Foundation
import JSON
import Robustness
import Testing

@Suite("SARIF") struct SARIFTests {
  private static let schema = Bundle.module.url(forResource: "Fixtures/sarif-schema-2.1.0", withExtension: "json")

  private func log(_ sample: SampleDocument, spec: SpecSource? = nil) throws -> JSONValue {
    try JSONValue(parsing: ReportFormat.sarif.write(sample.document(spec: spec)))
  }

  private func missing(_ reason: String) throws -> JSONValue {
    let write = try #require(ReportFormat.sarif.writeMissing)
    return try JSONValue(parsing: write(MissingReport(reason, from: SampleDocument.origin)))
  }

  private func source(_ text: String = SampleDocument.specText()) throws -> SpecSource {
    try SpecSource(uri: "ml/pets.json", text: text.utf8)
  }

  private func results(_ log: JSONValue) -> [JSONValue] { log["runs"]?.element(0)?["results"]?.elements ?? [] }

  private func validator() throws -> JSONSchema {
    JSONSchema(try JSONValue(parsing: Data(contentsOf: try #require(Self.schema))))
  }

  @Test("every log is valid by the schema of the standard", arguments: SampleDocument.allCases) func valid(sample: SampleDocument) throws {
    let schema = try validator()
    #expect(schema.faults(in: try log(sample)) == [])
    #expect(schema.faults(in: try log(sample, spec: source())) == [])
    #expect(schema.faults(in: try missing("The job failed.")) == [])
  }

  @Test("the validator of these tests finds what is wrong with a log") func canary() throws {
    let (schema, log) = (try validator(), try log(.failing))
    #expect(schema.faults(in: log.setting("/version", to: nil)) == ["/: has no version"])
    #expect(schema.faults(in: log.setting("/version", to: "2.0.0")) == [#"/version: "2.0.0" is none of ["2.1.0"]"#])
    #expect(schema.faults(in: log.setting("/verdict", to: "pass")) == ["/verdict: is no member of the schema"])
    #expect(schema.faults(in: log.setting("/runs", to: [["results": []]])) == ["/runs/0: has no tool"])
    let result = results(log)[0]
    func faults(_ pointer: String, _ value: JSONValue?) -> [String] {
      let run: JSONValue = ["tool": ["driver": ["name": "x"]], "results": [result.setting(pointer, to: value)]]
      return schema.faults(in: log.setting("/runs", to: [run]))
    }
    #expect(faults("/level", "fatal").count == 1)
    #expect(faults("/message", ["markdown": "x"]).count == 1)
    let location: JSONValue = ["physicalLocation": ["artifactLocation": ["uri": "a b"], "region": ["startLine": 0]]]
    #expect(faults("/locations", [location]).count == 2)
  }

  @Test("every result names a file of the repository and its lines, with a fingerprint, a level and a rule that is described")
  func codeScanning() throws {
    for sample in SampleDocument.allCases {
      let log = try log(sample, spec: source())
      let rules = log["runs"]?.element(0)?["tool"]?["driver"]?["rules"]?.elements ?? []
      for result in results(log) {
        let place = result["locations"]?.element(0)?["physicalLocation"]
        #expect(place?["artifactLocation"]?["uri"] == "ml/pets.json")
        #expect((1...14).contains(place?["region"]?["startLine"]?.integer ?? 0))
        #expect(result["partialFingerprints"]?["primaryLocationLineHash"]?.string?.contains(/^[0-9a-f]{16}:[1-9]$/) == true)
        #expect(["error", "warning", "note"].contains(result["level"]?.string))
        let rule = rules[try #require(result["ruleIndex"]?.integer)]
        #expect(rule["id"] == result["ruleId"])
        for text in ["shortDescription", "fullDescription", "help"] { #expect(rule[text]?["text"]?.string?.isEmpty == false) }
      }
    }
  }

  @Test("a gate that fails or is inconclusive is an error on the lines of the gate; one that passes is no result")
  func gates() throws {
    for (sample, word) in [(SampleDocument.failing, "fails"), (.inconclusive, "inconclusive")] {
      let found = results(try log(sample, spec: source())).filter { $0["level"] == "error" }
      #expect(found.map { $0["ruleId"] } == ["robust_accuracy"])
      let region = found.first?["locations"]?.element(0)?["physicalLocation"]?["region"]
      #expect(region?["startLine"] == 6 && region?["endLine"] == 10)
      #expect(found.first?["message"]?["text"]?.string?.contains(word) == true)
    }
    #expect(results(try log(.passing)).isEmpty)
  }

  @Test("without gates, and without a report, there is an error that says so") func withoutVerdict() throws {
    let none = results(try log(.withoutGates))
    #expect(none.map { $0["ruleId"] } == ["no_gates"] && none.first?["level"] == "error")
    let missing = try missing("The job failed: no memory.")
    #expect(results(missing).map { $0["ruleId"] } == ["no_verdict"])
    #expect(results(missing).first?["message"]?["text"] == "The job failed: no memory.")
    #expect(missing["runs"]?.element(0)?["invocations"]?.element(0)?["executionSuccessful"] == false)
  }

  @Test("a warning lies at the field that it is about, or at the nearest above; one that discredits weighs more") func warnings() throws {
    let found = results(try log(.discredited, spec: source()))
    let validation = found.first { $0["ruleId"] == "no_validation" }
    #expect(validation?["level"] == "note")
    #expect(validation?["locations"]?.element(0)?["physicalLocation"]?["region"]?["startLine"] == 3)
    #expect(found.first { $0["ruleId"] == "zero_gradients" }?["level"] == "warning")
    let small = results(try log(.inconclusive, spec: source())).first { $0["ruleId"] == "sample_too_small" }
    #expect(small?["locations"]?.element(0)?["physicalLocation"]?["region"]?["startLine"] == 13)
  }

  @Test("a fingerprint stays when lines and bounds move, and tells gates from each other") func fingerprints() throws {
    func fingerprint(_ text: String) throws -> String? {
      results(try log(.failing, spec: source(text))).first?["partialFingerprints"]?["primaryLocationLineHash"]?.string
    }
    let original = try #require(try fingerprint(SampleDocument.specText()))
    #expect(try fingerprint("\n\n" + SampleDocument.specText(bound: 0.8)) == original)
    let both = Gate(metric: .robustAccuracy, attack: "fgsm", min: 0.9)
    let twice = Gate(metric: .robustAccuracy, attack: "pgd", min: 0.99)
    var report = SampleDocument.failing.report
    report.gates += [both, twice].map { $0.judge(report.after, warnings: []) }
    let document = try ReportDocument(report, from: SampleDocument.origin)
    let all = results(try JSONValue(parsing: ReportFormat.sarif.write(document)))
      .compactMap { $0["partialFingerprints"]?["primaryLocationLineHash"]?.string }
    #expect(all.count == 3 && Set(all).count == 3)
    #expect(all[0] == original && all[2] == String(original.dropLast()) + "2")
  }

  @Test("a gate is found in a file whose gates stand in another order, and one that is gone lies at the list") func otherOrder() throws {
    func line(_ text: String) throws -> Int? {
      let result = results(try log(.failing, spec: SpecSource(uri: "x.json", text: text.utf8))).first
      return result?["locations"]?.element(0)?["physicalLocation"]?["region"]?["startLine"]?.integer
    }
    let turned = "{\"gates\": [\n{\"min\": 0.1, \"attack\": \"pgd\", \"metric\": \"robust_accuracy\"},\n{\"metric\": \"clean_accuracy\"}]}"
    #expect(try line(turned) == 2)
    #expect(try line(SampleDocument.specText(attack: "square")) == 4)
    #expect(try line("{}") == 1)
  }

  @Test("each spec has a category of its own, and a text cannot be taken for a placeholder or a link") func details() throws {
    let run = try log(.hostile, spec: source())["runs"]?.element(0)
    #expect(run?["automationDetails"]?["id"] == "temper/ml/pets.json/")
    #expect(run?["properties"]?["job"] == "job_0001")
    for result in run?["results"]?.elements ?? [] {
      let text = result["message"]?["text"]?.string ?? ""
      #expect(!text.contains("](") && !text.replacing("{{", with: "").contains("{"))
    }
  }

  @Test("every metric of a gate and every code of a warning has a rule that describes it") func rules() throws {
    let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../../Sources").standardizedFileURL
    let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    var codes: Set<String> = []
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      codes.formUnion(text.matches(of: /code: "([a-z0-9_]+)"/).map { String($0.output.1) })
    }
    #expect(codes.contains("zero_gradients") && codes.contains("disk_full"))
    for code in codes {
      var report = SampleDocument.passing.report
      report.warnings = [Warning(code: code, detail: "…")]
      #expect(try isDescribed(code, in: report), "\(code) has no row in FindingRule")
    }
    for metric in Gate.Metric.allCases {
      var report = SampleDocument.passing.report
      report.gates = [Gate(metric: metric, min: 1.5).judge(report.after, warnings: [])]
      #expect(try isDescribed(metric.rawValue, in: report), "\(metric.rawValue) has no row in FindingRule")
    }
  }

  private func isDescribed(_ id: String, in report: Report) throws -> Bool {
    let log = try JSONValue(parsing: ReportFormat.sarif.write(ReportDocument(report, from: SampleDocument.origin)))
    let rules = log["runs"]?.element(0)?["tool"]?["driver"]?["rules"]?.elements ?? []
    guard let rule = rules.first(where: { $0["id"] == .string(id) }) else { return false }
    return rule["fullDescription"]?["text"] != "See the message of the finding."
  }
}

extension JSONValue {
  var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }

  func element(_ index: Int) -> JSONValue? {
    guard let elements, elements.indices.contains(index) else { return nil }
    return elements[index]
  }
}
