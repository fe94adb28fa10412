import JSON
import Foundation
import GRDB

/// What a client calls a request, so that it may send it again without harm.
package struct IdempotencyKey: Hashable, Sendable {
  /// Whose key it is: two owners may choose the same.
  package let owner: String
  package let key: String
  /// Method and path: one key may be used once for each.
  package let route: String
  /// Of the body.
  package let digest: String

  package init(owner: String = Store.localOwner, key: String, route: String, digest: String) {
    self.owner = owner
    self.key = key
    self.route = route
    self.digest = digest
  }
}

/// An answer as it was first given.
package struct StoredAnswer: Hashable, Sendable {
  package let status: Int
  /// In order; a name may come twice.
  package let headers: [[String]]
  package let body: Data

  package init(status: Int, headers: [(name: String, value: String)], body: Data) {
    self.status = status
    self.headers = headers.map { [$0.name, $0.value] }
    self.body = body
  }
}

/// What a request that creates is answered with.
package enum CreationAnswer: Hashable, Sendable {
  case created(StoredAnswer)
  /// The key has this answer already: nothing was created.
  case replayed(StoredAnswer)
  /// The key was used with another body.
  case otherBody
}

extension Store {
  /// How long an answer is kept.
  package static let idempotencySeconds = 86_400.0

  /// The answer that a key already has; `nil` when it has none.
  package func lookUp(_ key: IdempotencyKey, at now: Timestamp = .now) throws -> CreationAnswer? {
    try database.read { db in try Self.lookUp(key, at: now, db) }
  }

  /// Creates something and keeps the answer to it in one transaction: a request that is sent again, also after a crash or by two
  /// connections at once, creates it once.
  ///
  /// - Parameter create: writes the rows and makes the answer.
  func create(
    key: IdempotencyKey?, at now: Timestamp = .now, if condition: ChangeCondition? = nil, _ create: (Change) throws -> StoredAnswer
  ) throws -> CreationAnswer {
    try change(at: now, if: condition) { change in
      if let key, let known = try Self.lookUp(key, at: now, change.db) { return known }
      let answer = try create(change)
      if let key { try Self.remember(answer, for: key, at: now, change.db) }
      return .created(answer)
    }
  }

  private static func lookUp(_ key: IdempotencyKey, at now: Timestamp, _ db: Database) throws -> CreationAnswer? {
    let row = try Row.fetchOne(
      db, sql: "SELECT * FROM idempotency WHERE owner = ? AND key = ? AND route = ? AND created_at > ?",
      arguments: [key.owner, key.key, key.route, now.advanced(bySeconds: -idempotencySeconds).milliseconds])
    guard let row else { return nil }
    guard row["digest"] == key.digest else { return .otherBody }
    let pairs = try JSONValue(parsing: row["headers"] as String).decoded(as: [[String]].self).filter { $0.count == 2 }
    return .replayed(StoredAnswer(status: row["status"], headers: pairs.map { ($0[0], $0[1]) }, body: row["body"]))
  }

  private static func remember(_ answer: StoredAnswer, for key: IdempotencyKey, at now: Timestamp, _ db: Database) throws {
    try db.execute(
      sql: "DELETE FROM idempotency WHERE created_at <= ?", arguments: [now.advanced(bySeconds: -idempotencySeconds).milliseconds])
    try db.execute(
      sql: """
        INSERT OR REPLACE INTO idempotency (owner, key, route, digest, status, headers, body, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        key.owner, key.key, key.route, key.digest, answer.status, JSONValue(encoding: answer.headers).serialised(), answer.body,
        now.milliseconds,
      ])
  }
}
