import Files
import Foundation
import GRDB
import Glibc
import Synchronization

/// The SQLite database (WAL mode) of a data directory.
///
/// Only synchronous reads and writes, by threads that may block: a thread that holds one of the few readers is then always one that
/// runs, so that none can wait for a reader which waits for a thread. Suspended tasks never hold a connection.
final class JobDatabase: Sendable {
  private let url: URL
  private let directory: DataDirectory
  /// Replaced after an I/O error: after a failed sync the same descriptors can no longer be trusted.
  private let pool: Mutex<DatabasePool>
  private let figures = Mutex(Figures())

  struct Figures: Sendable {
    /// Calls that are reading or writing, or wait to.
    var readers = 0
    var writers = 0
    var reopened = 0
    var lastWrite = ContinuousClock.now
  }

  init(_ directory: DataDirectory) throws {
    url = directory.database
    self.directory = directory
    pool = Mutex(try Self.open(url))
  }

  private static func open(_ url: URL) throws -> DatabasePool {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = true
    let pool = try DatabasePool(path: url.path, configuration: configuration)
    // Here and not in `prepareDatabase`: GRDB sets NORMAL when it turns to WAL mode, after that. FULL syncs the log at each commit, so
    // that what was answered survives a power cut.
    try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
    return pool
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
    return try told { try current.write(body) }
  }

  private var current: DatabasePool { pool.withLock { $0 } }

  /// Turns what SQLite says of the disk into a `StorageError`.
  private func told<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError {
      switch error.resultCode {
      case .SQLITE_FULL: throw StorageError("the database cannot be written", errno: ENOSPC)
      case .SQLITE_CORRUPT, .SQLITE_NOTADB: throw Damaged("the database; stop the service and run temper fsck")
      case .SQLITE_CANTOPEN: throw StorageError("the database cannot be opened", errno: EMFILE)
      case .SQLITE_IOERR:
        reopen()
        let isFull = directory.space.freeBytes.map { $0 < 1 << 20 } ?? false
        throw StorageError("the database cannot be read or written", errno: isFull ? ENOSPC : EIO)
      default: throw error
      }
    }
  }

  private func reopen() {
    pool.withLock { pool in
      guard let fresh = try? Self.open(url) else { return }
      // Whoever still reads from the old one keeps it until it is done.
      pool = fresh
      figures.withLock { $0.reopened += 1 }
    }
  }

  var load: Figures { figures.withLock { $0 } }

  // MARK: Care

  /// Makes or brings forward the tables.
  ///
  /// - Throws: `DataDirectoryError` when a newer Temper wrote them.
  func migrate() throws {
    let migrator = Schema.migrator
    if try current.read({ try migrator.hasBeenSuperseded($0) }) {
      throw DataDirectoryError(
        description: """
          the data directory \(directory.root.path) was written by a newer version of Temper, whose database this one does not know; \
          run that version, or name another directory with --data
          """)
    }
    try migrator.migrate(current)
  }

  /// What SQLite's own check finds wrong, at most ten sentences; `nil` when `seconds` were not enough.
  func check(full: Bool, within seconds: Double) throws -> [String]? {
    let checker = try DatabaseQueue(path: url.path)
    let end = Mutex(false)
    let interruption = DispatchWorkItem { if !end.withLock({ $0 }) { checker.interrupt() } }
    DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: interruption)
    defer { interruption.cancel() }
    do {
      let found = try checker.read { db in
        try String.fetchAll(db, sql: full ? "PRAGMA integrity_check(10)" : "PRAGMA quick_check(10)")
      }
      end.withLock { $0 = true }
      return found == ["ok"] ? [] : found
    } catch let error as DatabaseError where error.resultCode == .SQLITE_INTERRUPT {
      return nil
    } catch let error as DatabaseError where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) {
      return [error.message ?? "the database is damaged"]
    }
  }

  /// Brings the log into the database and empties it.
  ///
  /// - Returns: whether it is empty now; readers may be in the way.
  @discardableResult
  func truncateLog() throws -> Bool {
    try told {
      try current.writeWithoutTransaction { db in
        let row = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        return row?[0] == 0
      }
    }
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
