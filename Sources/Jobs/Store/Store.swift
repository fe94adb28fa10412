import Files
import Foundation
import GRDB
import Logging
import Synchronization
import Training

/// Everything that outlives the process: jobs and what belongs to them, in SQLite, and the files that the database names by digest.
///
/// A change of a job, its transition and its events are one transaction, so that no reader ever sees one without the other, also
/// after a crash. Followers are told after the commit, by the board.
package final class Store: Sendable {
  package let directory: DataDirectory
  let database: JobDatabase
  let board = JobBoard()
  let logger: Logger
  /// Held over a transaction and what is told of it, so that changes are told in the order of their commits.
  private let order = NSLock()

  /// Whose everything is, until there are tokens.
  package static let localOwner = "local"

  /// Opens the store, makes or brings forward its tables, and sets aside what the database does not name.
  ///
  /// - Throws: `DataDirectoryError` when the database is damaged, or was written by a newer version.
  package init(_ directory: DataDirectory, logger: Logger = Logger(label: "temper.store")) throws {
    self.directory = directory
    self.logger = logger
    try Self.lookAtLog(directory, logger)
    database = try Self.opened(directory)
    try database.migrate()
    try Self.requireWhole(directory, database)
    try LegacyLayout(self).adopt()
    try Identifier.advance(
      beyond: database.read { db in
        try ["jobs", "datasets", "models", "checkpoints"].compactMap { try String.fetchOne(db, sql: "SELECT max(id) FROM \($0)") }
      })
    try collectReleased()
    try sweep()
    directory.expectDatabase()
  }

  package convenience init(at root: URL) throws { try self.init(DataDirectory(root)) }

  /// Ends the use of the data directory, which another process may then take. Every later call throws.
  ///
  /// - Throws: when a call is still under way.
  package func close() throws {
    board.end()
    try database.close()
    directory.release()
  }

  /// Nobody waits for a change any more: for a shutdown.
  package func endWaiting() { board.end() }

  // MARK: Opening

  private static func opened(_ directory: DataDirectory) throws -> JobDatabase {
    do {
      return try JobDatabase(directory)
    } catch let error as DatabaseError {
      throw unusable(directory, [error.message ?? "\(error)"])
    }
  }

  /// A damaged log loses acknowledged changes, which nobody would notice: a copy is kept, and a line written.
  private static func lookAtLog(_ directory: DataDirectory, _ logger: Logger) throws {
    let url = directory.database.deletingLastPathComponent().appendingPathComponent("temper.sqlite-wal")
    guard let log = WriteAheadLog(url), log.lostCommits > 0 else { return }
    logger.error(
      "the database's log is damaged: changes that it held are lost",
      metadata: ["whole_frames": "\(log.wholeFrames)", "lost_frames": "\(log.lostFrames)", "lost_changes": "\(log.lostCommits)"])
    try directory.lost.copy(url, because: "its frames after the first \(log.wholeFrames) do not match their checksums")
  }

  /// A second of SQLite's quick check; the full one runs in the background.
  private static func requireWhole(_ directory: DataDirectory, _ database: JobDatabase) throws {
    if let faults = try database.check(full: false, within: 1), !faults.isEmpty { throw unusable(directory, faults) }
  }

  private static func unusable(_ directory: DataDirectory, _ faults: [String]) -> DataDirectoryError {
    DataDirectoryError(
      description: """
        the database in \(directory.root.path) is damaged (\(faults.prefix(3).joined(separator: "; "))); \
        `temper fsck --data \(directory.root.path)` says what, with --repair it saves what can be read
        """)
  }

  private func sweep() throws {
    let (jobs, over, named) = try database.read { db in
      (
        try String.fetchSet(db, sql: "SELECT id FROM jobs"),
        try String.fetchAll(db, sql: "SELECT id FROM jobs WHERE state IN ('succeeded', 'cancelled')"), try Self.namedFiles(db)
      )
    }
    // The process may have been killed between the end of a job and this.
    let folders = Set(Folder.names(in: directory.root.appendingPathComponent("jobs")))
    for id in over where folders.contains(id) { Folder.remove(directory.job(id)) }
    // A database whose log was damaged may have forgotten a checkpoint that a saved state goes on from.
    let saved = folders.intersection(jobs).flatMap { TrainingRun.namedCheckpoints(in: directory.job($0)).map(\.sha256) }
    try directory.sweep(jobs: jobs, files: named.union(saved))
  }

  // MARK: Changing

  /// One transaction in which jobs may change; followers are told when it is on the disk.
  func change<Value>(at now: Timestamp = .now, _ body: (Change) throws -> Value) throws -> Value {
    try order.withLock {
      var lent: Set<String> = []
      do {
        let (value, change, jobs) = try database.write { db in
          let change = Change(db, board, at: now)
          defer { lent = Set(change.numbers.keys) }
          let value = try body(change)
          return (value, change, try change.numbers.map { (job: try Self.job($0, db), numbers: $1) })
        }
        board.publish(jobs, events: change.events, deleted: change.deleted)
        return value
      } catch {
        board.abandon(lent)
        throw error
      }
    }
  }

  /// How the writer syncs, as SQLite numbers it: 2 is FULL.
  package func synchronousLevel() throws -> Int? { try database.synchronousLevel() }

  // MARK: Figures

  /// What waits for what.
  package struct Load: Sendable {
    /// Calls that read or write, or wait to.
    package let readers: Int
    package let writers: Int
    /// Event streams and long polls that wait for a change.
    package let followers: Int
    package let logBytes: Int
    /// How many times the database was opened anew after an error of the disk.
    package let reopened: Int
  }

  package var load: Load {
    let figures = database.load
    return Load(
      readers: figures.readers, writers: figures.writers, followers: board.followers, logBytes: database.logBytes,
      reopened: figures.reopened)
  }

  /// How many event streams and long polls wait for a change now.
  package var followers: Int { board.followers }

  /// Whether a change can be stored now: it writes one, and looks for the data directory and the room on its disk.
  ///
  /// - Throws: `StorageError` that says what is in the way.
  package func requireWritable() throws {
    try directory.requirePresence()
    try directory.space.requireRoom()
    try database.write { db in try db.execute(sql: "PRAGMA user_version = \(Int.random(in: 1...1_000_000))") }
  }

  /// - Throws: `StorageError` with `isFull` when the disk is at its reserve.
  package func requireRoom() throws { try directory.space.requireRoom() }
}

/// There is nothing of that id.
package struct NotFound: Error, Hashable, Sendable, CustomStringConvertible {
  package let id: String
  package init(_ id: String) { self.id = id }
  package var description: String {
    let why = Identifier.checkpoint.matches(id) ? ": a checkpoint goes with its job, and when a later one takes its role" : ""
    return "there is no \(id.prefix(100))\(why)"
  }
}

/// Something is in the database and cannot be understood, or its file is not what it was.
package struct Damaged: Error, Hashable, Sendable, CustomStringConvertible {
  package let id: String
  /// Of the file, where it is one.
  package let sha256: String?

  package init(_ id: String, sha256: String? = nil) {
    self.id = id
    self.sha256 = sha256
  }

  package var description: String {
    guard let sha256 else { return "the record of \(id.prefix(100)) is damaged" }
    return "\(id.prefix(100)) is damaged: its file no longer has the SHA-256 \(sha256)"
  }
}

/// Something cannot be deleted because jobs need it.
package struct InUse: Error, Hashable, Sendable, CustomStringConvertible {
  package let id: String
  /// The job whose checkpoint it is, when that job is to be deleted.
  package var checkpointOf: String?
  /// Some of the jobs, at most ten.
  package let jobs: [String]

  package var description: String {
    let what = checkpointOf.map { "\(id), a checkpoint of \($0)," } ?? id
    let end = jobs.count == 1 ? "it has ended, or cancel it" : "they have ended, or cancel them"
    return "\(what) is in use by \(jobs.joined(separator: ", ")); wait until \(end)"
  }
}
