/// Verdicts as the XML of JUnit's Ant task, which CI systems read as test results: a passing gate passes, one that fails is a `failure`, one
/// that is inconclusive an `error`. (A `skipped` would be shown as if all were well.)
///
/// Both schemas in use take it: that of Ant's task (windyroad/JUnit-Schema) and that of Jenkins' xUnit plugin (junit-10.xsd).
struct JUnitFile {
  private let title: String
  private let origin: ReportOrigin
  private let judgements: [Judgement]
  private let properties: [(String, String)]
  private let seconds: Double
  /// What stands beside the cases.
  private let output: String

  init(_ document: ReportDocument) throws {
    title = document.title
    origin = document.origin
    judgements = try Judgement.all(of: document)
    properties = Self.properties(of: document)
    // Sorted, since a sum depends on its order and the same report has the same bytes.
    seconds = document.report.seconds.values.filter { $0.isFinite && $0 > 0 }.sorted().reduce(0, +)
    output = ReportTable(document.report).text
  }

  init(_ missing: MissingReport) {
    title = missing.title
    origin = missing.origin
    judgements = [Judgement(missing)]
    properties = Self.job(missing.origin)
    seconds = 0
    output = missing.reason
  }

  var text: String { "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + Markup("testsuites", [], .elements([suite])).text() }

  private var suite: Markup {
    let attributes = [
      ("name", title), ("package", "temper"), ("id", "0"),
      // Without fractions and zone, and of no host (Ant's schema).
      ("timestamp", String(origin.finishedAt.prefix(19))), ("hostname", "localhost"), ("tests", String(judgements.count)),
      ("failures", count(.fail)), ("errors", count(.inconclusive)), ("skipped", "0"), ("time", Self.decimal(seconds)),
    ]
    let known = properties.map { Markup("property", [("name", $0), ("value", $1)]) }
    return Markup(
      "testsuite", attributes,
      .elements([Markup("properties", [], .elements(known))] + cases + [Markup("system-out", text: output), Markup("system-err")]))
  }

  private func count(_ verdict: Verdict) -> String { String(judgements.count { $0.verdict == verdict }) }

  private var cases: [Markup] {
    var titles = Occurrences()
    return judgements.map { judgement in
      // Two cases of one name would be one to GitLab.
      let occurrence = titles.next(judgement.title)
      let name = occurrence == 1 ? judgement.title : "\(judgement.title) (\(occurrence))"
      let outcome = Self.outcome(judgement).map { [$0] } ?? []
      return Markup("testcase", [("name", name), ("classname", "temper.\(title)"), ("time", "0")], .elements(outcome))
    }
  }

  private static func outcome(_ judgement: Judgement) -> Markup? {
    func element(_ name: String) -> Markup {
      Markup(name, [("type", judgement.rule), ("message", judgement.message)], .text(judgement.message))
    }
    return switch judgement.verdict {
    case .pass: nil
    case .fail: element("failure")
    case .inconclusive: element("error")
    }
  }

  private static func job(_ origin: ReportOrigin) -> [(String, String)] {
    (origin.job.map { [("job", $0)] } ?? []) + [("temper", origin.version)]
  }

  private static func properties(of document: ReportDocument) -> [(String, String)] {
    let report = document.report
    let threat = report.after.threat
    return job(document.origin) + [
      ("verdict", report.verdict.rawValue), ("dataset", report.dataset.id), ("examples", String(report.dataset.evaluatedCount)),
      ("norm", threat.norm.rawValue), ("epsilon", "\(threat.epsilon)"), ("model.architecture", report.model.architecture),
      ("model.sha256", report.model.sha256),
    ] + (report.model.baseSHA256.map { [("model.base_sha256", $0)] } ?? [])
      + (report.before.map { accuracies(of: $0, "before.") } ?? []) + accuracies(of: report.after, "")
  }

  private static func accuracies(of evaluation: Evaluation, _ prefix: String) -> [(String, String)] {
    func property(_ name: String, _ accuracy: Proportion) -> [(String, String)] {
      [
        (prefix + name, "\(accuracy.value)"), (prefix + name + ".low", "\(accuracy.interval.low)"),
        (prefix + name + ".high", "\(accuracy.interval.high)"),
      ]
    }
    return property("clean_accuracy", evaluation.cleanAccuracy)
      + (evaluation.attacks.isEmpty ? [] : property("robust_accuracy", evaluation.worstCase))
      + evaluation.attacks.flatMap { property("robust_accuracy.\($0.label)", $0.robustAccuracy) }
  }

  /// Milliseconds after a point, never an exponent.
  private static func decimal(_ seconds: Double) -> String {
    let milliseconds = Int(min(seconds, 1e12) * 1000)
    return "\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst())"
  }
}

/// Counts how often a text has come.
struct Occurrences {
  private var counts: [String: Int] = [:]

  /// 1 for the first time.
  mutating func next(_ text: String) -> Int {
    counts[text, default: 0] += 1
    return counts[text, default: 1]
  }
}
