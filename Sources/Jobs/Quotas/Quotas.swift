import Files
import GRDB

/// What each owner may use of a service.
package struct Quotas: Hashable, Sendable {
  /// `nil`: any number.
  package struct Limits: Hashable, Sendable {
    /// Jobs that wait; a further one is refused.
    package var queuedJobs: Int?
    /// Jobs that run at a time; further ones wait.
    package var runningJobs: Int?
    /// Bytes of the files that data sets, models and jobs name, each file once.
    package var storedBytes: Int?
    /// Uploads under way.
    package var uploads: Int?

    package init() {}
  }

  /// Of every owner that has none of its own.
  package var usual = Limits()
  package var owners: [String: Limits] = [:]

  package init() {}

  package func limits(of owner: String) -> Limits { owners[owner] ?? usual }

  // MARK: Within a transaction

  /// - Parameter count: of further jobs that are to come into being.
  /// - Throws: `QuotaExceeded` when the owner may not have them.
  func requireJobs(_ count: Int = 1, of owner: String, _ db: Database) throws {
    try requirePlace(for: count, of: owner, db)
    try requireBytes(of: owner, db)
  }

  /// - Parameter count: of jobs that are to wait, too: new ones, or one that was paused.
  /// - Throws: `QuotaExceeded`.
  func requirePlace(for count: Int = 1, of owner: String, _ db: Database) throws {
    guard let allowed = limits(of: owner).queuedJobs else { return }
    let used = try Self.count(of: owner, "= 'queued'", db)
    guard used + count <= allowed else { throw QuotaExceeded(.queuedJobs, of: owner, used: used, allowed: allowed, wanted: count) }
  }

  /// - Parameter isCounted: what comes into being is counted already; without it, it is still to come.
  /// - Throws: `QuotaExceeded` when what the owner has stored is more than it may be.
  func requireBytes(of owner: String, isCounted: Bool = false, _ db: Database) throws {
    guard let allowed = limits(of: owner).storedBytes else { return }
    let used = try Self.storedBytes(of: owner, db)
    guard isCounted ? used <= allowed : used < allowed else {
      throw QuotaExceeded(.storedBytes, of: owner, used: used, allowed: allowed, wanted: isCounted ? 0 : 1)
    }
  }

  /// What an owner uses now.
  static func use(of owner: String, _ db: Database) throws -> QuotaUse {
    QuotaUse(
      queuedJobs: try count(of: owner, "= 'queued'", db), runningJobs: try count(of: owner, "IN ('running', 'pausing', 'cancelling')", db),
      storedBytes: try storedBytes(of: owner, db))
  }

  private static func count(of owner: String, _ states: String, _ db: Database) throws -> Int {
    // By the state: few jobs have not ended, and an owner may have a hundred thousand that have.
    try Int.fetchOne(
      db, sql: "SELECT count(*) FROM jobs INDEXED BY jobs_by_state WHERE state \(states) AND owner = ?", arguments: [owner]) ?? 0
  }

  private static func storedBytes(of owner: String, _ db: Database) throws -> Int {
    try Int.fetchOne(
      db,
      sql: """
        SELECT coalesce(sum(bytes), 0) FROM files WHERE sha256 IN (
          SELECT file FROM datasets WHERE owner = :owner UNION SELECT sha256 FROM models WHERE owner = :owner
          UNION SELECT checkpoints.sha256 FROM jobs JOIN checkpoints ON checkpoints.job = jobs.id WHERE jobs.owner = :owner
          UNION SELECT report FROM jobs WHERE owner = :owner UNION SELECT evidence FROM jobs WHERE owner = :owner)
        """, arguments: ["owner": owner]) ?? 0
  }
}

/// What an owner uses of what `Quotas` limits.
package struct QuotaUse: Hashable, Sendable {
  package let queuedJobs: Int
  package let runningJobs: Int
  package let storedBytes: Int
}

/// An owner has as much as it may have.
package struct QuotaExceeded: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Kind: String, Hashable, Sendable {
    case queuedJobs = "queued_jobs"
    case storedBytes = "stored_bytes"
    case uploads
  }

  package let kind: Kind
  package let owner: String
  package let used: Int
  package let allowed: Int
  /// How many more of them were wanted; 0: what there is is too much already.
  package let wanted: Int

  package init(_ kind: Kind, of owner: String, used: Int, allowed: Int, wanted: Int = 1) {
    self.kind = kind
    self.owner = owner
    self.used = used
    self.allowed = allowed
    self.wanted = wanted
  }

  /// A sentence without its end: the owner's name stands as it is written.
  package var description: String {
    switch kind {
    case .queuedJobs where wanted > allowed:
      "the owner \(owner) may have \(Self.number(allowed, "job")) waiting, so \(wanted) at once can never be; ask for fewer"
    case .queuedJobs:
      "the owner \(owner) has \(Self.number(used, "job")) waiting, of \(allowed) allowed, so there is no room for \(wanted) more; "
        + "submit when some have begun, or cancel some"
    case .storedBytes:
      "the owner \(owner) may store \(Self.number(allowed, "byte")), and \(wanted > 0 ? "has" : "would have") \(used); "
        + "delete data sets, models or jobs\(wanted > 0 ? "" : ", or bring less")"
    case .uploads:
      "the owner \(owner) has \(Self.number(used, "upload")) under way, of \(allowed) allowed; wait until one has ended"
    }
  }

  private static func number(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}

extension Store {
  package func quotaUse(of owner: String) throws -> QuotaUse { try database.read { db in try Quotas.use(of: owner, db) } }

  /// Before an upload is received: what is full takes no more.
  package func requireStoredBytes(of owner: String) throws { try database.read { db in try quotas.requireBytes(of: owner, db) } }

  // MARK: Sizes of files

  static func note(_ sha256: String, bytes: Int, _ db: Database) throws {
    try db.execute(sql: "INSERT OR REPLACE INTO files (sha256, bytes) VALUES (?, ?)", arguments: [sha256, bytes])
  }

  /// Of the files that are named, those whose size is not noted.
  static func unnotedSizes(in files: FileStore, _ db: Database) throws -> [(sha256: String, bytes: Int)] {
    let known = try String.fetchSet(db, sql: "SELECT sha256 FROM files")
    return try namedFiles(db).subtracting(known).compactMap { sha256 in files.size(of: sha256).map { (sha256, $0) } }
  }

  /// Sizes of files that were named before sizes were noted. To be called when the store is opened.
  func noteSizes() throws {
    let sizes = try database.read { db in try Self.unnotedSizes(in: directory.files, db) }
    guard !sizes.isEmpty else { return }
    try database.write { db in
      for (sha256, bytes) in sizes { try Self.note(sha256, bytes: bytes, db) }
    }
  }
}
