import Foundation
import JSON

/// What a new token shall be: the body of `POST /v1/tokens`.
package struct TokenRequest: Sendable {
  package let name: String
  package let owner: String
  package let role: Role
  package let expiresAt: Timestamp?

  package static let object = ObjectType(
    "TokenRequest", "What a new token shall be.",
    fields: [
      Field("name", .text(1...100), .required, help: "What it is called in lists and logs: visible ASCII characters without `*`."),
      Field("role", .choice(Role.self), .required, help: "What it allows: read, submit jobs and data, or everything."),
      Field("owner", .text(1...100), .sameAs("name"), help: "Whose things it sees, as a name; `*` sees those of all."),
      Field("expires_at", .text(20...40), help: "RFC 3339, UTC; null: never."),
    ])

  /// - Throws: `SpecFaults` with all faults at once.
  package init(reading document: JSONValue) throws(SpecFaults) {
    let reader = FieldReader()
    let values = reader.object(document, as: Self.object)
    let log = reader.log
    let name = values.optionalText("name") ?? ""
    let owner = values.optionalText("owner") ?? name
    let expiry = values.optionalText("expires_at").map(Timestamp.init(rfc3339:))
    if log.isClean("/name"), !Token.isName(name) {
      log.add("/name", .notAllowed, "must be of visible ASCII characters, without blanks and without *")
    }
    if log.isClean("/owner"), log.isClean("/name"), !Token.isOwner(owner) {
      log.add("/owner", .notAllowed, "must be * or of visible ASCII characters, without blanks and without *")
    }
    if case .some(nil) = expiry {
      log.add("/expires_at", .notAllowed, "must be a time of RFC 3339 in UTC, such as 2030-01-01T00:00:00Z")
    } else if let moment = expiry ?? nil, moment <= .now {
      log.add("/expires_at", .outOfRange, "must be in the future")
    }
    guard log.faults.isEmpty, let role = values.optionalText("role").flatMap(Role.init) else { throw SpecFaults(log.faults) }
    self.name = name
    self.owner = owner
    self.role = role
    expiresAt = expiry ?? nil
  }
}

extension Timestamp {
  /// `nil` for what is no time of RFC 3339.
  package init?(rfc3339 text: String) {
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = text.contains(".") ? [.withInternetDateTime, .withFractionalSeconds] : [.withInternetDateTime]
    guard let date = formatter.date(from: text) else { return nil }
    self.init(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
  }
}
