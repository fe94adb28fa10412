import Files
import Foundation
import GRDB
import Logging
import Synchronization
import Training

/// What must hold for a change to be made; it throws where it does not. It may read the store, and changes nothing.
package typealias ChangeCondition = @Sendable () throws -> Void

/// Everything that outlives the process: jobs and what belongs to them, in SQLite, and the files that the database names by digest.
///
/// A change of a job, its transition and its events are one transaction, so that no reader ever sees one without the other, also
/// after a crash. Followers are told after the commit, by the board.
package final class Store: Sendable {
  package let directory: DataDirectory
  let database: StoreDatabase
  let board = JobBoard()
  let tokenTable = TokenTable()
  let logger: Logger
  /// Held over a transaction and what is told of it, so that changes are told in the order of their commits.
  private let order = NSLock()
  let quotas: Quotas
  let knownForecast = Mutex<KnownForecast?>(nil)

  /// Whose everything is that is made without a token.
  package static let localOwner = "local"

  /// Opens the store, makes or brings forward its tables, and sets aside what the database does not name.
  ///
  /// - Parameter lockSeconds: how long a change waits while another process holds the lock of the database.
  /// - Throws: `DataDirectoryError` when the database is damaged, or was written by a newer version.
  package init(
    _ directory: DataDirectory, quotas: Quotas = Quotas(), lockSeconds: Double = LockPatience.usual,
    logger: Logger = Logger(label: "temper.store")
  ) throws {
    self.directory = directory
    self.quotas = quotas
    self.logger = logger
    try Self.reportDamagedLog(directory, logger)
    database = try Self.opened(directory, LockPatience(seconds: lockSeconds))
    try database.migrate()
    try Self.requirePassesQuickCheck(directory, database)
    makeIncremental()
    try LegacyLayout(self).adopt()
    try Identifier.advance(
      beyond: database.read { db in
        try ["jobs", "datasets", "models", "checkpoints", "sweeps", "tokens", "schedules", "webhooks", "deliveries"].compactMap {
          try String.fetchOne(db, sql: "SELECT max(id) FROM \($0)")
        }
      })
    try loadTokens()
    try collectReleased()
    try sweep()
    try noteSizes()
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

  private static func opened(_ directory: DataDirectory, _ patience: LockPatience) throws -> StoreDatabase {
    do {
      return try StoreDatabase(directory, patience: patience)
    } catch let error as DatabaseError {
      throw unusable(directory, [error.message ?? "\(error)"])
    }
  }

  /// A damaged log loses acknowledged changes, which nobody would notice.
  private static func reportDamagedLog(_ directory: DataDirectory, _ logger: Logger) throws {
    guard let (log, isSetAside) = try directory.settleDamagedLog() else { return }
    logger.error(
      isSetAside
        ? "the database's log is damaged and was set aside: the database holds more without it"
        : "the database's log is damaged: changes that it held are lost",
      metadata: ["whole_frames": "\(log.wholeFrames)", "lost_frames": "\(log.lostFrames)", "lost_changes": "\(log.lostCommits)"])
  }

  /// A second of SQLite's quick check; the full one runs in the background.
  private static func requirePassesQuickCheck(_ directory: DataDirectory, _ database: StoreDatabase) throws {
    if let faults = try database.check(full: false, within: 1), !faults.isEmpty { throw unusable(directory, faults) }
  }

  private static func unusable(_ directory: DataDirectory, _ faults: [String]) -> DataDirectoryError {
    DataDirectoryError(
      description: """
        the database in \(directory.root.path) is damaged (\(faults.prefix(3).joined(separator: "; "))); \
        `temper fsck --data \(directory.root.path)` says what, with --repair it saves what can be read
        """)
  }

  /// The largest database that a start writes anew: a second's work.
  private static let mostVacuumedBytes = 64 << 20

  private func makeIncremental() {
    guard database.bytes <= Self.mostVacuumedBytes else { return }
    do { try database.makeIncremental() } catch {
      logger.warning("the database stays as large as it is when records go", metadata: ["error": "\(error)"])
    }
  }

  private func sweep() throws {
    let (jobs, succeeded, cancelled, named) = try database.read { db in
      (
        try String.fetchSet(db, sql: "SELECT id FROM jobs"), try String.fetchSet(db, sql: "SELECT id FROM jobs WHERE state = 'succeeded'"),
        try String.fetchSet(db, sql: "SELECT id FROM jobs WHERE state = 'cancelled'"), try Self.namedFiles(db)
      )
    }
    // The process may have been killed between the end of a job and this.
    let folders = Set(directory.jobFolders)
    try requireJobs(jobs, of: folders)
    for id in folders.intersection(cancelled) { Folder.remove(directory.job(id)) }
    for id in folders.intersection(succeeded) { ExtensionFile.keepEnd(in: directory.job(id)) }
    // A database whose log was damaged may have forgotten a checkpoint that a saved state goes on from.
    let saved = folders.intersection(jobs).flatMap { TrainingRun.namedCheckpoints(in: directory.job($0)).map(\.sha256) }
    let kept = try directory.sweep(jobs: jobs, files: named.union(saved))
    guard kept > 0 else { return }
    logger.notice(
      "files and folders of jobs that no record names stay where they are, since a repair lost records",
      metadata: ["count": "\(kept)", "until_removed": "\(DataDirectory.noteOfLoss)"])
  }

  /// A database that knows no job at all is not the one that these folders belong to.
  private func requireJobs(_ jobs: Set<String>, of folders: Set<String>) throws {
    guard jobs.isEmpty, let folder = folders.min(), !directory.keepsUnnamed else { return }
    throw DataDirectoryError(
      description: """
        the data directory \(directory.root.path) has \(folders.count == 1 ? "the folder of a job" : "the folders of \(folders.count) jobs") \
        (jobs/\(folder)), but its database knows no job; nothing was moved: put the database back that belongs to them, or move them away
        """)
  }

  // MARK: Changing

  /// One transaction in which jobs may change; followers are told when it is on the disk.
  ///
  /// - Parameter condition: asked when every change before this one has been told and none can come between.
  func change<Value>(
    at now: Timestamp = .now, if condition: ChangeCondition? = nil, _ body: (Change) throws -> Value
  ) throws -> Value {
    try order.withLock {
      try condition?()
      var lent: Set<String> = []
      do {
        let (value, change, jobs) = try database.write { db in
          let change = Change(db, board, quotas, at: now)
          defer { lent = change.lent }
          let value = try body(change)
          return (value, change, try change.numbers.map { (job: try Self.job($0, db), numbers: $1) })
        }
        board.publish(jobs, events: change.events, deleted: change.deleted)
        for turn in change.turns { turn.log(logger) }
        return value
      } catch {
        board.giveBack(lent)
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
  /// - Throws: `StorageError` that says what is in the way; `DamagedStore` when the database was found damaged.
  package func requireWritable() throws {
    try requireRoom()
    // A disk may have room and yet no inode for a new file. It goes with the value.
    _ = try NewFile(directory.files.newURL())
    // Nothing reads user_version (the migrations are noted in a table): a value that changes is the smallest write there is.
    try database.write { db in try db.execute(sql: "PRAGMA user_version = \(Int.random(in: 1...1_000_000))") }
    // What is written may be whole while what is read is not.
    _ = try counts()
    if database.load.isDamaged { throw DamagedStore() }
  }

  /// - Throws: `StorageError` when the data directory cannot be used, or the disk is at its reserve.
  package func requireRoom() throws(StorageError) {
    try directory.requireAccess()
    try directory.space.requireRoom()
  }
}
