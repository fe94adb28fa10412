import Files
import Foundation
import GRDB

/// Which files the database names, and how they go.
///
/// A row that names a file goes in one transaction, which notes the file in `released`; the file goes in a second one, in which no row
/// names it. Between the two a crash leaves a file too many, never a name without its file.
extension Store {
  /// Every file that a record names, with the id of the record: the one place that knows which columns name files.
  private static let uses = """
    (SELECT file AS sha256, id FROM datasets WHERE file IS NOT NULL UNION ALL SELECT sha256, id FROM models
      UNION ALL SELECT sha256, id FROM checkpoints UNION ALL SELECT report, id FROM jobs WHERE report IS NOT NULL)
    """

  /// Of every file that records name: its digest, and the id of the record.
  static func filesOfRecords(_ db: Database) throws -> [(sha256: String, id: String)] {
    try Row.fetchAll(db, sql: "SELECT sha256, id FROM \(uses)").map { (sha256: $0["sha256"], id: $0["id"]) }
  }

  /// Those, and the ones that were released and are still there.
  static func namedFiles(_ db: Database) throws -> Set<String> {
    try String.fetchSet(db, sql: "SELECT sha256 FROM \(uses) UNION SELECT sha256 FROM released")
  }

  private static func isNamed(_ sha256: String, _ db: Database) throws -> Bool {
    try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM \(uses) WHERE sha256 = ?)", arguments: [sha256]) ?? true
  }

  static func release(_ sha256: String?, of holder: String, _ db: Database) throws {
    guard let sha256 else { return }
    try db.execute(sql: "INSERT OR IGNORE INTO released (sha256, job) VALUES (?, ?)", arguments: [sha256, holder])
  }

  /// Removes released files that nobody names.
  ///
  /// - Parameter holder: only what was released with this job, data set or model; otherwise all but the files of jobs that have not
  ///   ended: their saved states may name them.
  func collectReleased(of holder: String? = nil) throws {
    try database.write { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT sha256, job FROM released WHERE CASE WHEN :holder IS NULL
            THEN NOT EXISTS (SELECT 1 FROM jobs WHERE id = released.job AND state NOT IN \(JobState.terminalInSQL))
            ELSE job = :holder END
          """, arguments: ["holder": holder])
      for row in rows { try Self.collect(row["sha256"], of: row["job"], directory.files, db) }
    }
  }

  /// Removes some of the files that a running job has released.
  func collect(_ files: [String], of job: String) throws {
    try database.write { db in
      for sha256 in files { try Self.collect(sha256, of: job, directory.files, db) }
    }
  }

  private static func collect(_ sha256: String, of holder: String, _ files: FileStore, _ db: Database) throws {
    guard try isNamed(sha256, db) || files.remove(sha256) else { return }
    try db.execute(sql: "DELETE FROM released WHERE sha256 = ? AND job = ?", arguments: [sha256, holder])
  }

  // MARK: Damage

  /// Opens the file of a resource.
  ///
  /// - Throws: `Damaged`; the damage is noted, and the file lies in lost+found.
  package func open(_ sha256: String, of id: String, part: String? = nil) throws -> OpenFile {
    do {
      return try directory.files.open(sha256)
    } catch let error as DamagedFile {
      // Between the look at its record and this it may have gone in the ordinary way.
      guard note(error, of: id) else { throw NotFound(id) }
      throw Damaged(id, sha256: sha256, part: part)
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
        try db.execute(
          sql: "INSERT OR IGNORE INTO damaged (sha256, detail, found_at) VALUES (?, ?, ?)",
          arguments: [damage.sha256, damage.description, Timestamp.now.milliseconds])
        guard db.changesCount > 0 else { return true }
        logger.error("a file is damaged", metadata: ["resource": "\(id)", "sha256": "\(damage.sha256)", "error": "\(damage)"])
        return true
      }
    } catch {
      logger.error("the damage of a file could not be stored", metadata: ["sha256": "\(damage.sha256)", "error": "\(error)"])
      return true
    }
  }

  /// - Throws: `Damaged` when the file is known to be damaged.
  static func requireNotMarkedDamaged(_ sha256: String?, of id: String, part: String? = nil, _ db: Database) throws {
    guard let sha256 else { return }
    let isDamaged = try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM damaged WHERE sha256 = ?)", arguments: [sha256])
    if isDamaged == true { throw Damaged(id, sha256: sha256, part: part) }
  }

  /// A file was written anew: what was damaged of that content is whole again.
  static func named(_ file: KeptFile, _ db: Database) throws {
    try db.execute(sql: "DELETE FROM damaged WHERE sha256 = ?", arguments: [file.sha256])
  }

  /// Every file that the database names, with the resource that names it; for checks of all of them.
  package func resourcesByFile() throws -> [(sha256: String, resource: String)] {
    try database.read { db in try Self.filesOfRecords(db).map { (sha256: $0.sha256, resource: $0.id) } }
  }

  /// Hashes a file whole and notes what is wrong.
  ///
  /// - Returns: whether it is whole.
  package func check(_ sha256: String, of id: String, pace: (Int) throws -> Void = { _ in }) throws -> Bool {
    do {
      try directory.files.check(sha256, pace: pace)
      return true
    } catch let error as DamagedFile {
      return !note(error, of: id)
    }
  }
}
