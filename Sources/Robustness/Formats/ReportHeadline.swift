/// What a report says in a sentence or two, for those who read no further.
struct ReportHeadline {
  private let report: Report

  init(_ report: Report) { self.report = report }

  var text: String { [now, earlier].compactMap(\.self).joined(separator: " ") }

  private var now: String {
    let after = report.after
    let clean = "Of 100 test images the model gets \(Self.count(after.cleanAccuracy.value)) right as they are"
    guard !after.attacks.isEmpty else { return clean + "; it was not attacked." }
    let interval = after.worstCase.interval
    return clean
      + ", and \(Self.count(after.worstCase.value)) when each may be changed by \(after.threat.norm.symbol) ≤ \(ChartPanel.short(after.threat.epsilon))"
      + " (\(Self.count(interval.low)) to \(Self.count(interval.high)) at 95 %, \(after.worstCase.total) images tried)."
  }

  private var earlier: String? {
    guard let before = report.before, !before.attacks.isEmpty, report.model.baseSHA256 != report.model.sha256 else { return nil }
    return "Before adversarial training it was \(Self.count(before.cleanAccuracy.value)) and \(Self.count(before.worstCase.value))."
  }

  private static func count(_ share: Double) -> String { share.isFinite ? String(Int((share * 100).rounded())) : "an unknown number" }
}
