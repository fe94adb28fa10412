import Files
import JSON

/// Verdicts and warnings as a SARIF 2.1.0 log (OASIS Standard), as GitHub's code scanning takes it: every result lies in a file of the
/// repository, the spec, and keeps its fingerprint when lines move. What passes is no result: each would be shown as a finding.
struct SARIFLog {
  /// A result before it is written.
  fileprivate struct Finding {
    enum Level: String { case error, warning, note }

    let rule: String
    let level: Level
    let message: String
    /// Tells it from others of its rule.
    let identity: String
    let pointer: String
  }

  private let origin: ReportOrigin
  private let spec: SpecSource
  private let findings: [Finding]
  private let verdict: Verdict?

  init(_ document: ReportDocument) throws {
    origin = document.origin
    spec = document.spec
    verdict = document.report.verdict
    let judged = try Judgement.all(of: document)
    let told = Set(judged.map(\.rule))
    findings =
      judged.filter { $0.verdict != .pass }.map(Finding.init)
      + document.report.warnings.filter { !told.contains($0.code) }.map(Finding.init)
  }

  init(_ missing: MissingReport) {
    origin = missing.origin
    spec = missing.spec
    verdict = nil
    findings = [Finding(Judgement(missing))]
  }

  var text: String { json.serialised(pretty: true) + "\n" }

  private var json: JSONValue {
    let ids = Set(findings.map(\.rule)).sorted()
    let driver: JSONValue = [
      "name": "Temper", "version": .string(origin.version), "rules": .array(ids.map { Self.rule(FindingRule.named($0)) }),
    ]
    var fingerprints = Occurrences()
    let results = findings.map { result($0, among: ids, &fingerprints) }
    let run: JSONValue = [
      "tool": ["driver": driver],
      // What comes before the last slash is GitHub's category: each spec of a repository has its own.
      "automationDetails": ["id": .string("temper/\(spec.uri)/")],
      "invocations": [["executionSuccessful": .bool(verdict != nil), "endTimeUtc": .string(origin.finishedAt)]],
      "columnKind": "unicodeCodePoints", "results": .array(results),
      "properties": ["job": .orNull(origin.job), "verdict": .orNull(verdict?.rawValue)],
    ]
    return ["$schema": .string(Self.schema), "version": "2.1.0", "runs": [run]]
  }

  private static let schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

  private static func rule(_ rule: FindingRule) -> JSONValue {
    [
      "id": .string(rule.id), "shortDescription": ["text": .string(rule.title)], "fullDescription": ["text": .string(rule.meaning)],
      "help": ["text": .string(rule.meaning)], "properties": ["tags": ["robustness"]],
    ]
  }

  private func result(_ finding: Finding, among rules: [String], _ fingerprints: inout Occurrences) -> JSONValue {
    let place = spec.place(of: finding.pointer)
    let region: JSONValue = [
      "startLine": .int(Int64(place.line)), "startColumn": .int(Int64(place.column)), "endLine": .int(Int64(place.endLine)),
      "endColumn": .int(Int64(place.endColumn)),
    ]
    let digest = String(SHA256Digest.hex(of: Array("\(finding.rule)\n\(finding.identity)".utf8)).prefix(16))
    return [
      "ruleId": .string(finding.rule), "ruleIndex": .orNull(rules.firstIndex(of: finding.rule)), "level": .string(finding.level.rawValue),
      "message": ["text": .string(Self.plain(finding.message))],
      "locations": [["physicalLocation": ["artifactLocation": ["uri": .string(spec.uri)], "region": region]]],
      // The name that GitHub looks at; its own ones are a digest and a count, too.
      "partialFingerprints": ["primaryLocationLineHash": .string("\(digest):\(fingerprints.next(digest))")],
    ]
  }

  /// Without placeholders (§3.11.5 of the standard) and embedded links (§3.11.6), which a name could look like.
  private static func plain(_ text: String) -> String {
    var result = ""
    var previous: Unicode.Scalar = " "
    for scalar in text.unicodeScalars {
      switch scalar {
      case "{", "}": result += "\(scalar)\(scalar)"
      case "(" where previous == "]": result += " ("
      default: result.unicodeScalars.append(scalar)
      }
      previous = scalar
    }
    return result
  }
}

extension SARIFLog.Finding {
  /// A gate that does not pass is an error, be it failed or inconclusive: a pipeline stops at both.
  fileprivate init(_ judgement: Judgement) {
    self.init(
      rule: judgement.rule, level: .error, message: judgement.message, identity: judgement.identity, pointer: judgement.pointer)
  }

  fileprivate init(_ warning: Warning) {
    self.init(
      rule: warning.code, level: warning.discredits ? .warning : .note, message: warning.detail, identity: warning.attack ?? "",
      pointer: FindingRule.named(warning.code).pointer)
  }
}
