/// A finding of the checks that a job runs on its own settings and results, and what to do about it.
package struct Warning: Hashable, Sendable, Codable {
  package var code: String
  /// What was found and what to do, in a sentence or two.
  package var detail: String
  /// Whether it makes the robust accuracy under `attack` unfit for a verdict; all robust accuracies when `attack` is nil.
  package var discredits: Bool
  /// The label of the attack that it is about; `nil` for the model or all attacks.
  package var attack: String?

  package init(code: String, detail: String, discredits: Bool = false, attack: String? = nil) {
    self.code = code
    self.detail = detail
    self.discredits = discredits
    self.attack = attack
  }
}

/// A fraction of 1 as warnings write it: `71.8 %`.
func percent(_ share: Double) -> String {
  guard share.isFinite else { return "no" }
  let tenths = Int((share * 1000).rounded())
  return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10) %"
}
