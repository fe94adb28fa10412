import Files
import GRDB

/// What is known to be damaged: the marks of files that did not match their digest, or were missing.
///
/// A mark goes when the file is found whole again: at its next use, by the slow check of all files, and by `temper fsck`.
extension Store {
  /// That a file was found damaged.
  struct DamageMark: Sendable {
    let sha256: String
    /// A sentence without its end.
    let detail: String
  }

  static func mark(of sha256: String?, _ db: Database) throws -> DamageMark? {
    guard let sha256 else { return nil }
    return try String.fetchOne(db, sql: "SELECT detail FROM damaged WHERE sha256 = ?", arguments: [sha256])
      .map { DamageMark(sha256: sha256, detail: $0) }
  }

  /// Not for a transaction: it reads the file where there is a mark.
  ///
  /// - Throws: `Damaged` when the file is still damaged; `StorageError` when nothing can be said.
  func requireWhole(despite mark: DamageMark?, of id: String, part: String? = nil) throws {
    guard let mark else { return }
    do {
      _ = try directory.files.open(mark.sha256)
    } catch is DamagedFile {
      throw Damaged(id, sha256: mark.sha256, part: part, detail: mark.detail)
    }
    unmark(mark.sha256, of: id)
  }

  /// - Throws: `Damaged` when the file is marked as damaged.
  static func requireNotMarkedDamaged(_ sha256: String?, of id: String, _ db: Database) throws {
    if let mark = try mark(of: sha256, db) { throw Damaged(id, sha256: mark.sha256, detail: mark.detail) }
  }

  /// A file was written anew: what was damaged of that content is whole again.
  static func named(_ file: KeptFile, _ db: Database) throws {
    try unmark(file.sha256, db)
    try note(file.sha256, bytes: file.bytes, db)
  }

  static func unmark(_ sha256: String, _ db: Database) throws {
    try db.execute(sql: "DELETE FROM damaged WHERE sha256 = ?", arguments: [sha256])
  }

  /// Takes the mark of a whole file away, if it has one. The file can be used whether or not this can be stored.
  private func unmark(_ sha256: String, of id: String) {
    do {
      guard try database.read({ db in try Self.mark(of: sha256, db) }) != nil else { return }
      try database.write { db in try Self.unmark(sha256, db) }
      logger.notice("a file that was damaged is whole again", metadata: ["resource": "\(id)", "sha256": "\(sha256)"])
    } catch {
      logger.error("that a file is whole again could not be stored", metadata: ["sha256": "\(sha256)", "error": "\(error)"])
    }
  }

  // MARK: Opening

  /// Opens the file of a resource.
  ///
  /// - Throws: `Damaged`; the damage is noted, and what is there of the file lies in lost+found.
  package func open(_ sha256: String, of id: String, part: String? = nil) throws -> OpenFile {
    do {
      return try directory.files.open(sha256)
    } catch let error as DamagedFile {
      // Between the look at its record and this it may have gone in the ordinary way.
      guard note(error, of: id) else { throw NotFound(id) }
      throw Damaged(id, sha256: sha256, part: part, detail: error.description)
    }
  }

  /// Opens a checkpoint of a job by its id or its role. While a job runs, a role may go to a better one between the two looks.
  ///
  /// - Throws: `NotFound`, `Damaged`.
  package func openCheckpoint(_ name: String, of job: String) throws -> (record: CheckpointRecord, file: OpenFile) {
    for _ in 0..<10 {
      let record = try checkpoint(name, of: job)
      do { return (record, try open(record.sha256, of: record.id)) } catch is NotFound {}
    }
    throw NotFound(name)
  }

  /// Marks a file as damaged, and says so the first time.
  ///
  /// - Returns: false when no record names the file any more: then it is not missing, but gone.
  private func note(_ damage: DamagedFile, of id: String) -> Bool {
    do {
      return try database.write { db in
        guard try Self.isNamed(damage.sha256, db) else { return false }
        try Self.mark(damage.sha256, damage.description, db)
        guard db.changesCount > 0 else { return true }
        logger.error("a file is damaged", metadata: ["resource": "\(id)", "sha256": "\(damage.sha256)", "error": "\(damage)"])
        return true
      }
    } catch {
      logger.error("the damage of a file could not be stored", metadata: ["sha256": "\(damage.sha256)", "error": "\(error)"])
      return true
    }
  }

  static func mark(_ sha256: String, _ detail: String, _ db: Database) throws {
    try db.execute(
      sql: "INSERT OR IGNORE INTO damaged (sha256, detail, found_at) VALUES (?, ?, ?)",
      arguments: [sha256, detail, Timestamp.now.milliseconds])
  }

  // MARK: Checking

  /// Every file that the database names, with the resource that names it; for checks of all of them.
  package func resourcesByFile() throws -> [(sha256: String, resource: String)] {
    try database.read { db in try Self.filesOfRecords(db).map { (sha256: $0.sha256, resource: $0.id) } }
  }

  /// Hashes a file whole and notes what is wrong, or that nothing is any more.
  ///
  /// - Returns: whether it is whole.
  package func check(_ sha256: String, of id: String, pace: (Int) throws -> Void = { _ in }) throws -> Bool {
    do {
      try directory.files.check(sha256, pace: pace)
    } catch let error as DamagedFile {
      return !note(error, of: id)
    }
    unmark(sha256, of: id)
    return true
  }
}
