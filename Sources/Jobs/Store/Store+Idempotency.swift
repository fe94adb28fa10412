import JSON
import Foundation
import GRDB

/// What a client calls a request, so that it may send it again without harm.
package struct IdempotencyKey: Hashable, Sendable {
  package let key: String
  /// Method and path: one key may be used once for each.
  package let route: String
  /// Of the body.
  package let digest: String

  package init(key: String, route: String, digest: String) {
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

/// What is known of a key.
package enum IdempotencyLookup: Hashable, Sendable {
  case unknown
  case answered(StoredAnswer)
  /// The key was used with another body.
  case otherBody
}

extension Store {
  /// How long an answer is kept.
  package static let idempotencySeconds = 86_400.0

  package func lookUp(_ key: IdempotencyKey, at now: Timestamp = .now) throws -> IdempotencyLookup {
    try pool.read { db in try Self.lookUp(key, at: now, db) }
  }

  /// Keeps the answer to a request, unless the key has one.
  package func remember(_ answer: StoredAnswer, for key: IdempotencyKey, at now: Timestamp = .now) throws {
    try pool.write { db in try Self.remember(answer, for: key, at: now, db) }
  }

  /// Submits a job and keeps the answer to it in one transaction: a request that is sent again, also after a crash or by two
  /// connections at once, makes one job.
  ///
  /// - Parameter answer: made of the new job.
  /// - Returns: the answer to give, and whether it is a replay; `nil` when the key was used with another body.
  package func submit(
    _ spec: JobSpec, peakBytes: Int = 0, key: IdempotencyKey, at now: Timestamp = .now, answer: @Sendable (Job) throws -> StoredAnswer
  ) throws -> (answer: StoredAnswer, isReplay: Bool)? {
    let result = try pool.write { db -> (answer: StoredAnswer, job: Job?)? in
      switch try Self.lookUp(key, at: now, db) {
      case .answered(let earlier): return (earlier, nil)
      case .otherBody: return nil
      case .unknown:
        let job = try Self.insert(spec, peakBytes: peakBytes, at: now, db)
        let fresh = try answer(job)
        try Self.remember(fresh, for: key, at: now, db)
        return (fresh, job)
      }
    }
    if let job = result?.job { changes.announce(job.id) }
    return result.map { ($0.answer, $0.job == nil) }
  }

  private static func lookUp(_ key: IdempotencyKey, at now: Timestamp, _ db: Database) throws -> IdempotencyLookup {
    let row = try Row.fetchOne(
      db, sql: "SELECT * FROM idempotency WHERE key = ? AND route = ? AND created_at > ?",
      arguments: [key.key, key.route, now.advanced(bySeconds: -idempotencySeconds).milliseconds])
    guard let row else { return .unknown }
    guard row["digest"] == key.digest else { return .otherBody }
    let pairs = try JSONValue(stored: row["headers"]).decoded(as: [[String]].self)
    return .answered(StoredAnswer(status: row["status"], headers: pairs.map { ($0[0], $0[1]) }, body: row["body"]))
  }

  private static func remember(_ answer: StoredAnswer, for key: IdempotencyKey, at now: Timestamp, _ db: Database) throws {
    try db.execute(
      sql: "DELETE FROM idempotency WHERE created_at <= ?", arguments: [now.advanced(bySeconds: -idempotencySeconds).milliseconds])
    try db.execute(
      sql: "INSERT OR IGNORE INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        key.key, key.route, key.digest, answer.status, JSONValue(encoding: answer.headers).serialised(), answer.body, now.milliseconds,
      ])
  }
}
