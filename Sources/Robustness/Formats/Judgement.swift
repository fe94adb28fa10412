/// A gate as a CI system is told of it. A job without gates, or without a verdict, has one judgement too, so that it never looks as if all
/// were well.
struct Judgement {
  /// The gate's metric, `no_gates` or `no_verdict`: the same in every version.
  let rule: String
  let title: String
  let verdict: Verdict
  /// Begins with a sentence that says it all.
  let message: String
  /// Tells it from others of the same rule, whatever its bound.
  let identity: String
  /// Where in the spec.
  let pointer: String

  /// Those of a report: one for each gate, in order.
  static func all(of document: ReportDocument) throws -> [Judgement] {
    let results = document.report.gates
    return results.isEmpty ? [noGates] : try results.enumerated().map { try Judgement($1, at: $0, in: document.spec) }
  }

  private init(_ result: GateResult, at index: Int, in spec: SpecSource) throws {
    let identity = try GateIdentity(result.gate)
    rule = result.gate.metric.rawValue
    title = result.gate.title
    verdict = result.verdict
    message = result.sentence
    self.identity = identity.text
    pointer = spec.pointer(of: identity, at: index)
  }

  /// That of a job without a report.
  init(_ missing: MissingReport) {
    self.init(rule: "no_verdict", message: missing.reason, pointer: "")
  }

  private init(rule: String, message: String, pointer: String) {
    self.rule = rule
    title = "gates"
    verdict = .inconclusive
    self.message = message
    identity = ""
    self.pointer = pointer
  }

  private static let noGates = Judgement(
    rule: "no_gates",
    message: "The spec has no gates, so nothing was asked of the model and nothing is known to hold. Add a gate, as on robust_accuracy.",
    pointer: "/gates")
}
