/// What a check that a job runs on itself has seen, and what to do about it.
package struct Warning: Hashable, Sendable, Codable {
  package var code: String
  /// What was seen and what to do, in a sentence or two.
  package var detail: String
  /// Whether it makes the robust accuracy unfit for a verdict.
  package var discredits: Bool

  package init(code: String, detail: String, discredits: Bool = false) {
    self.code = code
    self.detail = detail
    self.discredits = discredits
  }
}

/// How warnings write shares of 1: `71.8 %`.
func percent(_ share: Double) -> String {
  guard share.isFinite else { return "no" }
  let tenths = Int((share * 1000).rounded())
  return "\(tenths / 10).\(abs(tenths % 10)) %"
}
