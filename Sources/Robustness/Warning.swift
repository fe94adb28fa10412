/// What a check that a job runs on itself has seen, and what to do about it.
package struct Warning: Hashable, Sendable, Codable {
  package var code: String
  /// What was seen and what to do, in a sentence or two.
  package var detail: String
  /// Whether it makes robust accuracy unfit for a verdict: that under `attack`, or all when there is none.
  package var discredits: Bool
  /// The attack that it is about, by label; `nil`: the model, or all attacks.
  package var attack: String?

  package init(code: String, detail: String, discredits: Bool = false, attack: String? = nil) {
    self.code = code
    self.detail = detail
    self.discredits = discredits
    self.attack = attack
  }
}

/// How warnings write shares of 1: `71.8 %`.
func percent(_ share: Double) -> String {
  guard share.isFinite else { return "no" }
  let tenths = Int((share * 1000).rounded())
  return "\(tenths / 10).\(abs(tenths % 10)) %"
}
