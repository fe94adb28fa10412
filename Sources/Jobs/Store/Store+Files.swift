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
      UNION ALL SELECT sha256, id FROM checkpoints UNION ALL SELECT report, id FROM jobs WHERE report IS NOT NULL
      UNION ALL SELECT evidence, id FROM jobs WHERE evidence IS NOT NULL)
    """

  /// Of every file that records name: its digest, and the id of the record.
  static func filesOfRecords(_ db: Database) throws -> [(sha256: String, id: String)] {
    try Row.fetchAll(db, sql: "SELECT sha256, id FROM \(uses)").map { (sha256: $0["sha256"], id: $0["id"]) }
  }

  /// Those, and the ones that were released and are still there.
  static func namedFiles(_ db: Database) throws -> Set<String> {
    try String.fetchSet(db, sql: "SELECT sha256 FROM \(uses) UNION SELECT sha256 FROM released")
  }

  static func isNamed(_ sha256: String, _ db: Database) throws -> Bool {
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

  /// Removes a file that was adopted for a record which was then refused.
  func giveUp(_ file: KeptFile) throws {
    let (sha256, holder) = (file.sha256, Identifier.dataset.make())
    try database.write { db in try Self.release(sha256, of: holder, db) }
  }

  private static func collect(_ sha256: String, of holder: String, _ files: FileStore, _ db: Database) throws {
    let isNamed = try isNamed(sha256, db)
    guard isNamed || files.remove(sha256) else { return }
    if !isNamed { try db.execute(sql: "DELETE FROM files WHERE sha256 = ?", arguments: [sha256]) }
    try db.execute(sql: "DELETE FROM released WHERE sha256 = ? AND job = ?", arguments: [sha256, holder])
  }
}
