import Datasets
import Foundation
import GRDB
import JSON

/// Tokens, and who owns what.
extension Store {
  /// Whether requests need a token.
  package var needsTokens: Bool { tokenTable.needsTokens }

  /// The token with this secret; `nil` when there is none, or it has expired.
  package func token(withSecret secret: String, at now: Timestamp = .now) -> Token? {
    tokenTable.token(withDigest: Token.digest(of: secret)).flatMap { $0.hasExpired(at: now) ? nil : $0 }
  }

  /// The token with this id as long as it is good.
  package func validToken(_ id: String, at now: Timestamp = .now) -> Token? {
    tokenTable.token(id: id).flatMap { $0.hasExpired(at: now) ? nil : $0 }
  }

  package func makeToken(name: String, owner: String, role: Role, expiresAt: Timestamp? = nil, at now: Timestamp = .now) throws -> NewToken
  {
    let secret = Token.newSecret()
    let token = Token(
      id: Identifier.token.make(at: now), name: name, owner: owner, role: role, sha256: Token.digest(of: secret), createdAt: now,
      expiresAt: expiresAt)
    try database.write { db in
      try db.execute(
        sql: "INSERT INTO tokens (id, name, owner, role, sha256, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          token.id, name, owner, role.rawValue, token.sha256, now.milliseconds, expiresAt?.milliseconds,
        ])
      try db.execute(sql: "DELETE FROM settings WHERE name = ?", arguments: [Self.lostTokens])
    }
    tokenTable.add(token)
    return NewToken(token: token, secret: secret)
  }

  /// Newest first, expired ones too.
  package func tokens(after: String? = nil, limit: Int = 50) throws -> Page<Token> {
    let rows = try database.read { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM tokens WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?", arguments: [after, after, limit + 1])
    }
    return Page(elements: rows.prefix(limit).compactMap(Token.init), hasMore: rows.count > limit)
  }

  /// - Throws: `NotFound`.
  package func revokeToken(_ id: String) throws {
    try database.write { db in
      try db.execute(sql: "DELETE FROM tokens WHERE id = ?", arguments: [id])
      guard db.changesCount == 1 else { throw NotFound(id) }
    }
    tokenTable.remove(id)
  }

  /// To be called when the store is opened.
  func loadTokens() throws {
    let (rows, areLost) = try database.read { db in (try Row.fetchAll(db, sql: "SELECT * FROM tokens"), try Self.mayHaveLostTokens(db)) }
    // A row that cannot be read was a token all the same.
    tokenTable.load(rows.compactMap(Token.init), isClosed: areLost || !rows.isEmpty)
    guard areLost else { return }
    logger.warning(
      "a repair may have lost tokens: every request needs one; make a new one with temper token create while the service is stopped",
      metadata: ["tokens": "\(rows.count)", "data": "\(directory.root.path)"])
  }

  // MARK: Tokens that a repair may have lost

  /// The setting that says so. It goes when a token is made.
  static let lostTokens = "tokens"
  static let lostTokensValue = "lost"

  static func mayHaveLostTokens(_ db: Database) throws -> Bool {
    try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM settings WHERE name = ?)", arguments: [lostTokens]) ?? true
  }

  static func noteLostTokens(_ db: Database) throws {
    try db.execute(sql: "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", arguments: [lostTokens, lostTokensValue])
  }

  // MARK: Owners

  /// - Throws: `NotFound` for what there is not, and in the same words for what another owner has.
  ///
  /// - Parameter inMemory: asks the database nothing: what is not in memory is not looked at, and must not be answered from memory.
  package func require(_ id: String, visibleTo viewer: Viewer, inMemory: Bool = false) throws {
    guard !viewer.seesAll, DatasetSource.builtIn(id) == nil else { return }
    let remembered = rememberedSnapshot(of: id)?.job.owner
    if inMemory, remembered == nil { return }
    let owner = try remembered ?? storedOwner(of: id)
    guard let owner, viewer.sees(owner) else { throw NotFound(id) }
  }

  /// Whether there is a job, data set, model, sweep, schedule or webhook with this id; true for what has another kind of name.
  package func exists(_ id: String) throws -> Bool {
    guard [Identifier.job, .dataset, .model, .sweep, .schedule, .webhook].contains(where: { $0.matches(id) }) else { return true }
    return try rememberedSnapshot(of: id) != nil || storedOwner(of: id) != nil
  }

  private func storedOwner(of id: String) throws -> String? {
    let tables: [Identifier: String] = [
      .job: "jobs", .dataset: "datasets", .model: "models", .sweep: "sweeps", .schedule: "schedules", .webhook: "webhooks",
    ]
    guard let kind = Identifier.allCases.first(where: { $0.matches(id) }), let table = tables[kind] else { return nil }
    return try database.read { db in try String.fetchOne(db, sql: "SELECT owner FROM \(table) WHERE id = ?", arguments: [id]) }
  }

  /// The owner of the job that a checkpoint belongs to.
  func owner(ofCheckpoint id: String) throws -> String? {
    try database.read { db in
      try String.fetchOne(
        db, sql: "SELECT owner FROM jobs JOIN checkpoints ON checkpoints.job = jobs.id WHERE checkpoints.id = ?", arguments: [id])
    }
  }
}

extension Token {
  /// `nil` for a row that is damaged: what cannot be read allows nothing.
  fileprivate init?(_ row: Row) {
    guard let role = Role(rawValue: row["role"]) else { return nil }
    self.init(
      id: row["id"], name: row["name"], owner: row["owner"], role: role, sha256: row["sha256"],
      createdAt: Timestamp(milliseconds: row["created_at"]),
      expiresAt: (row["expires_at"] as Int64?).map { Timestamp(milliseconds: $0) })
  }

  /// Without its digest.
  package var json: JSONValue {
    [
      "id": .string(id), "object": "token", "name": .string(name), "owner": .string(owner), "role": .string(role.rawValue),
      "created_at": .string(createdAt.description), "expires_at": .orNull(expiresAt?.description),
    ]
  }
}
