import HTTP

extension HTTPField.Name {
  static let idempotencyKey = constant("Idempotency-Key")
  static let idempotencyReplayed = constant("Idempotency-Replayed")
  static let lastEventID = constant("Last-Event-ID")
  /// RFC 9530
  static let reprDigest = constant("Repr-Digest")
  /// W3C Content Security Policy, level 3
  static let contentSecurityPolicy = constant("Content-Security-Policy")
  /// W3C Referrer Policy
  static let referrerPolicy = constant("Referrer-Policy")
  static let contentOptions = constant("X-Content-Type-Options")
}
