import Files
import Foundation
import GRDB
import JSON

/// The copy of a database in a backup: what it names, and what is set right in it.
struct SnapshotDatabase {
  private let queue: DatabaseQueue
  let jobs: Set<String>
  /// Every file that a record or a saved state names, with the id that names it.
  let named: [(sha256: String, id: String)]

  init(_ url: URL, _ states: JobStates) throws {
    queue = try DatabaseQueue(path: url.path)
    let points = states.savedPoints
    (jobs, named) = try queue.write { db in
      let jobs = try String.fetchSet(db, sql: "SELECT id FROM jobs")
      let open = try String.fetchAll(db, sql: "SELECT id FROM jobs WHERE state NOT IN \(JobState.terminalInSQL)")
      for id in open { try Self.note(points[id] ?? nil, of: id, db) }
      let named = try Store.filesOfRecords(db).filter { FileStore.isDigest($0.sha256) }
      return (jobs, named + states.namedFiles.filter { jobs.contains($0.id) })
    }
  }

  /// The database may be ahead of the state that was copied a moment before: nothing of that job is missing.
  private static func note(_ point: Store.SavedPoint?, of id: String, _ db: Database) throws {
    try db.execute(
      sql: """
        UPDATE jobs SET saved_step = ?1, progress = json_set(progress, '$.saved_step', ?1), saved_position = min(saved_position, ?2)
        WHERE id = ?3
        """, arguments: [point?.step, point?.position ?? 0, id])
  }

  /// - Parameter files: the digests of those that the backup has; what else was released is not in it.
  func note(_ damaged: [BackupManifest.Lost], files: some Sequence<String>) throws {
    let list = JSONValue.array(files.map(JSONValue.string)).serialised()
    try queue.write { db in
      for lost in damaged { try Store.mark(lost.sha256, lost.detail, db) }
      try db.execute(sql: "DELETE FROM released WHERE sha256 NOT IN (SELECT value FROM json_each(?))", arguments: [list])
    }
  }

  func close() throws { try queue.close() }
}
