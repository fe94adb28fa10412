import HTTP

extension HTTPField.Name {
  static let idempotencyKey = known("Idempotency-Key")
  static let idempotencyReplayed = known("Idempotency-Replayed")
  static let lastEventID = known("Last-Event-ID")
  /// RFC 9530
  static let reprDigest = known("Repr-Digest")
  static let hostName = known("Host")
  static let contentOptions = known("X-Content-Type-Options")

  private static func known(_ name: StaticString) -> HTTPField.Name {
    guard let field = HTTPField.Name("\(name)") else { preconditionFailure("\(name) is not a field name") }
    return field
  }
}
