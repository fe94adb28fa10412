import Files
import Foundation
import GRDB
import Glibc
import Synchronization

/// The SQLite database (WAL mode) of a data directory.
///
/// Only synchronous reads and writes, by threads that may block: a thread that holds one of the few readers is then always one that
/// runs, so that none can wait for a reader which waits for a thread. Suspended tasks never hold a connection.
final class StoreDatabase: Sendable {
  private let url: URL
  private let directory: DataDirectory
  /// Replaced after an I/O error: after a failed sync the same descriptors can no longer be trusted.
  private let pool: Mutex<DatabasePool>
  private let figures = Mutex(Figures())
  private let index: LogIndex
  private let patience: LockPatience

  struct Figures: Sendable {
    /// Calls that are reading or writing, or wait to.
    var readers = 0
    var writers = 0
    var reopened = 0
    /// The database was found damaged since it was opened.
    var isDamaged = false
    /// The most bytes that its log had since it was last emptied: SQLite never makes it shorter.
    var longestLog = 0
    var lastWrite = ContinuousClock.now
  }

  /// - Throws: `DatabaseError` when it is damaged, `DataDirectoryError` when something else is in the way.
  init(_ directory: DataDirectory, patience: LockPatience = LockPatience()) throws {
    url = directory.database
    self.directory = directory
    self.patience = patience
    index = LogIndex(of: directory.database)
    // Before SQLite opens it, never while: to close another descriptor of the file would take SQLite's locks with it.
    if let fault = DatabaseHeader.fault(of: url) { throw DatabaseError(resultCode: .SQLITE_NOTADB, message: fault) }
    pool = Mutex(try Self.refusing(directory) { try Self.open(directory.database, patience) })
  }

  private static func open(_ url: URL, _ patience: LockPatience) throws -> DatabasePool {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = true
    configuration.busyMode = .callback { patience.waits(tries: $0) }
    configuration.prepareDatabase { db in
      try incrementalVacuum(db)
      // A reader meets a lock only while another process mends the log's index, and GRDB would have it wait for ten seconds.
      if db.configuration.readonly { try db.execute(sql: "PRAGMA busy_timeout = \(readerPatience)") }
    }
    let pool = try DatabasePool(path: url.path, configuration: configuration)
    // Here and not in `prepareDatabase`: GRDB sets NORMAL when it turns to WAL mode, after that. FULL syncs the log at each commit, so
    // that what was answered survives a power cut.
    try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
    return pool
  }

  /// Milliseconds.
  private static let readerPatience = 1_000

  /// Of a connection of its own that only reads, beside those of the pool.
  private static var reading: Configuration {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(Double(readerPatience) / 1_000)
    return configuration
  }

  /// Has a database that is being made keep what it needs to give pages back one by one; of one that is there it changes nothing.
  static func incrementalVacuum(_ db: Database) throws {
    if !db.configuration.readonly { try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
  }

  // MARK: Reading and writing

  func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
    figures.withLock { $0.readers += 1 }
    defer { figures.withLock { $0.readers -= 1 } }
    return try told { try current.read(body) }
  }

  /// One transaction; when this returns it is on the disk.
  func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try directory.requirePresence()
    figures.withLock { $0.writers += 1 }
    defer {
      figures.withLock {
        $0.writers -= 1
        $0.lastWrite = .now
      }
    }
    return try told {
      let value = try current.write { db in
        patience.gotThrough()
        noteCutLog()
        return try body(db)
      }
      figures.withLock { $0.longestLog = max($0.longestLog, logLength) }
      return value
    }
  }

  /// A log that was cut has lost changes. Another program may have emptied it in the ordinary way: then its index says so. To be called by the
  /// writer, so that the log is not being emptied.
  private func noteCutLog() {
    figures.withLock { figures in
      let length = logLength
      guard length < figures.longestLog else { return }
      if let needed = index.logBytes, needed > length { figures.isDamaged = true }
      figures.longestLog = length
    }
  }

  /// The same as `logBytes`, without a descriptor.
  private var logLength: Int {
    var status = stat()
    return stat(url.path + "-wal", &status) == 0 ? Int(status.st_size) : 0
  }

  private var current: DatabasePool { pool.withLock { $0 } }

  /// Turns what SQLite says of its surroundings into a `StorageError`.
  private func told<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError {
      if error.isDamage {
        figures.withLock { $0.isDamaged = true }
        throw DamagedStore()
      }
      if error.resultCode == .SQLITE_IOERR { reopen() }
      guard let obstacle = Self.obstacle(error, directory) else { throw error }
      throw StorageError(saying: "the database cannot be read or written: \(obstacle.what)", errno: obstacle.code)
    }
  }

  /// Turns it into words for whoever starts the process.
  private static func refusing<Value>(_ directory: DataDirectory, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError {
      throw obstacle(error, directory)?.refusal(of: directory.root) ?? error
    }
  }

  private static func obstacle(_ error: DatabaseError, _ directory: DataDirectory) -> DatabaseObstacle? {
    DatabaseObstacle(error, at: directory.database, freeBytes: directory.space.freeBytes)
  }

  private func reopen() {
    pool.withLock { pool in
      guard let fresh = try? Self.open(url, patience) else { return }
      // Whoever still reads from the old one keeps it until it is done.
      pool = fresh
      figures.withLock {
        $0.reopened += 1
        $0.longestLog = 0
      }
    }
  }

  var load: Figures { figures.withLock { $0 } }

  // MARK: Care

  /// Makes or brings forward the tables.
  ///
  /// - Throws: `DataDirectoryError` when a newer Temper wrote them, or some are missing.
  func migrate() throws {
    let faults = try bringForward()
    guard !faults.isEmpty else { return }
    throw DataDirectoryError(
      description: """
        the database in \(directory.root.path) is not complete (\(faults.prefix(3).joined(separator: "; "))); \
        `temper fsck --data \(directory.root.path)` says what, with --repair it saves what is there
        """)
  }

  /// As `migrate`.
  ///
  /// - Returns: what is wrong with the tables all the same, as phrases.
  func bringForward() throws -> [String] {
    let migrator = Schema.migrator
    return try Self.refusing(directory) {
      if try current.read({ try migrator.hasBeenSuperseded($0) }) { throw Self.newer(directory) }
      do { try migrator.migrate(current) } catch let error as DatabaseError where error.isDamage || error.resultCode == .SQLITE_ERROR {
        return ["its tables are not those of the version that it says it has: \(error.message ?? "\(error)")"]
      }
      return try current.read { try Schema.missing($0) }
    }
  }

  private static func newer(_ directory: DataDirectory) -> DataDirectoryError {
    DataDirectoryError(
      description: """
        the data directory \(directory.root.path) was written by a newer version of Temper, whose database this one does not know; \
        run that version, or name another directory with --data
        """)
  }

  /// What SQLite's own check finds wrong, at most ten sentences; `nil` when `seconds` were not enough.
  func check(full: Bool, within seconds: Double) throws -> [String]? { try Self.check(directory, full: full, within: seconds) }

  /// The same of a database that is not open: it is only read.
  static func check(_ directory: DataDirectory, full: Bool, within seconds: Double) throws -> [String]? {
    let end = Mutex(false)
    do {
      let checker = try DatabaseQueue(path: directory.database.path, configuration: reading)
      let interruption = DispatchWorkItem { end.withLock { if !$0 { checker.interrupt() } } }
      DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: interruption)
      defer {
        end.withLock { $0 = true }
        interruption.cancel()
        // Not when the last reference goes: Dispatch keeps what was cancelled until its time has come.
        try? checker.close()
      }
      let found = try checker.read { db in
        try String.fetchAll(db, sql: full ? "PRAGMA integrity_check(10)" : "PRAGMA quick_check(10)")
      }
      return found == ["ok"] ? [] : found
    } catch let error as DatabaseError where error.resultCode == .SQLITE_INTERRUPT {
      return nil
    } catch let error as DatabaseError where error.isDamage {
      return [error.message ?? "the database is damaged"]
    } catch let error as DatabaseError {
      throw obstacle(error, directory)?.refusal(of: directory.root) ?? error
    }
  }

  /// Brings the log into the database and empties it. It waits for nobody: a reader may take minutes, and every change would wait for it.
  ///
  /// - Returns: whether it is empty now; readers may be in the way.
  @discardableResult
  func truncateLog() throws -> Bool {
    try told {
      try current.writeWithoutTransaction { db in
        noteCutLog()
        let row = try patience.suspended { try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        figures.withLock { $0.longestLog = logLength }
        return row?[0] == 0
      }
    }
  }

  /// Writes a copy of one moment, in one file, while others read and write.
  func copy(to target: URL) throws {
    try told {
      let reader = try DatabaseQueue(path: url.path, configuration: Self.reading)
      try reader.inDatabase { db in try db.execute(sql: "VACUUM INTO ?", arguments: [target.path]) }
      try reader.close()
    }
  }

  /// Gives free pages back to the disk, for about as many seconds: whoever writes meanwhile waits for it.
  ///
  /// - Returns: whether there were any.
  func giveBack(within seconds: Double) throws -> Bool {
    guard try read({ db in try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0 }) > 0, try isIncremental() else { return false }
    try write { db in
      let end = ContinuousClock.now + .seconds(seconds)
      // Each page is a step of the statement.
      let steps = try Row.fetchCursor(db, sql: "PRAGMA incremental_vacuum")
      while try steps.next() != nil, ContinuousClock.now < end {}
    }
    return true
  }

  private func isIncremental() throws -> Bool { try read { db in try Int.fetchOne(db, sql: "PRAGMA auto_vacuum") == 2 } }

  /// Makes a database of an earlier version one that can give pages back: it is written anew, in one transaction, which takes a while.
  func makeIncremental() throws {
    guard try !isIncremental() else { return }
    try told {
      try current.writeWithoutTransaction { db in
        try Self.incrementalVacuum(db)
        try db.execute(sql: "VACUUM")
      }
    }
  }

  /// The bytes of the database without its log, without a descriptor: to close another one would take SQLite's locks.
  var bytes: Int {
    var status = stat()
    return stat(url.path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// How the writer syncs, as SQLite numbers it: 2 is FULL.
  func synchronousLevel() throws -> Int? {
    try current.writeWithoutTransaction { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") }
  }

  /// The bytes of the log.
  var logBytes: Int { (try? OpenFile(URL(fileURLWithPath: url.path + "-wal")))?.size ?? 0 }

  func close() throws {
    _ = try? truncateLog()
    try current.close()
  }
}
