import Files
import Foundation
import JSON

/// What a token allows its holder.
package enum Role: String, CaseIterable, Hashable, Sendable, Comparable {
  case read, submit, admin

  /// A later role includes the ones before it.
  package static func < (one: Role, other: Role) -> Bool { one.rank < other.rank }
  private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// A token as it is stored: of its secret, the digest alone.
package struct Token: Hashable, Sendable {
  /// The owner that sees the things of all.
  package static let everyOwner = "*"

  package let id: String
  package let name: String
  package let owner: String
  package let role: Role
  /// SHA-256 of the secret, hexadecimal. A secret has 256 random bits, so no salt and no slow hash is needed against guessing.
  package let sha256: String
  package let createdAt: Timestamp
  package let expiresAt: Timestamp?

  package func hasExpired(at now: Timestamp = .now) -> Bool { expiresAt.map { $0 <= now } ?? false }

  /// What a name or an owner may be: it stands in logs and lists.
  package static func isName(_ text: String) -> Bool {
    (1...100).contains(text.utf8.count) && text.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "*") }
  }

  package static func isOwner(_ text: String) -> Bool { text == everyOwner || isName(text) }

  /// `temper_` and 256 random bits in hexadecimal.
  static func newSecret() -> String { "temper_" + randomDigits() }

  /// 256 random bits in hexadecimal.
  static func randomDigits() -> String {
    var generator = SystemRandomNumberGenerator()
    let words = (0..<4).map { _ in String(generator.next(), radix: 16) }
    return words.map { String(repeating: "0", count: 16 - $0.count) + $0 }.joined()
  }

  package static func digest(of secret: String) -> String { SHA256Digest.hex(of: Array(secret.utf8)) }
}

/// A new token with its secret, which is shown once and then known to nobody here.
package struct NewToken: Sendable {
  package let token: Token
  package let secret: String

  package var json: JSONValue {
    guard case .object(var object) = token.json else { return token.json }
    object["token"] = .string(secret)
    return .object(object)
  }
}
