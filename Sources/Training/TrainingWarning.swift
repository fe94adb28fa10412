/// Something about a run that its owner should know: what was seen, and what to do about it.
package struct TrainingWarning: Hashable, Sendable, Codable {
  /// A stable name, `robust_overfitting`.
  package let code: String
  /// A sentence.
  package let detail: String

  package init(code: String, detail: String) {
    self.code = code
    self.detail = detail
  }
}
