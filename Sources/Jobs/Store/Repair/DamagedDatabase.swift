import Files
import Foundation
import GRDB
import Glibc

/// A damaged database, of which SQLite reads what it can.
///
/// It is attached to an empty one in memory: SQLite then opens also what lacks pages at its end, or has a schema that is half readable
/// (`writable_schema` is how its own recovery does it), and writes nothing, since the one in memory is opened for reading only.
struct DamagedDatabase {
  /// Of the tables that are found; none when the file is no database any more.
  let columns: [String: Set<String>]
  let pages: Int
  private let queue: DatabaseQueue

  /// - Throws: any error but damage.
  init(_ url: URL) throws {
    var configuration = Configuration()
    configuration.readonly = true
    let queue = try DatabaseQueue(configuration: configuration)
    self.queue = queue
    pages = ((try? OpenFile(url))?.size ?? 0) / 4_096 + 1
    do {
      columns = try queue.inDatabase { db in
        try Self.attach(url, db)
        return try Schema.columns(db, of: "old")
      }
    } catch let error as DatabaseError where error.isDamage || error.resultCode == .SQLITE_ERROR {
      columns = [:]
    }
  }

  func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try queue.inDatabase(body) }
  func close() throws { try queue.close() }

  private static func attach(_ url: URL, _ db: Database) throws {
    try db.execute(sql: "PRAGMA writable_schema = ON")
    try db.execute(sql: "ATTACH DATABASE ? AS old", arguments: [url.path])
  }

  /// A bit of the header may make a database one that may not be written, or of an unknown format.
  private static func isDamage(_ error: DatabaseError, _ url: URL) -> Bool {
    error.isDamage || [.SQLITE_ERROR, .SQLITE_READONLY].contains(error.resultCode) && DatabaseHeader.fault(of: url) != nil
  }

  /// Brings the log into the database and empties it, where SQLite can read the database at all.
  ///
  /// - Throws: any error but damage; when another process uses the database.
  static func takeLog(of url: URL) throws {
    let queue = try DatabaseQueue()
    do {
      let isBusy = try queue.inDatabase { db -> Bool in
        try attach(url, db)
        return try Row.fetchOne(db, sql: "PRAGMA old.wal_checkpoint(TRUNCATE)")?[0] == 1
      }
      if isBusy { throw DatabaseError(resultCode: .SQLITE_BUSY) }
    } catch let error as DatabaseError where isDamage(error, url) {}
    try queue.close()
  }

  /// - Throws: when this process may not write the database, or another one writes it; not for damage.
  static func requireWritable(_ url: URL) throws {
    // SQLite opens what it may not write for reading, without a word.
    guard access(url.path, W_OK) == 0 else { throw DatabaseError(resultCode: .SQLITE_READONLY) }
    let queue = try DatabaseQueue()
    do {
      try queue.inDatabase { db in
        try attach(url, db)
        try db.execute(sql: "BEGIN IMMEDIATE; ROLLBACK")
      }
    } catch let error as DatabaseError where isDamage(error, url) {}
    try queue.close()
  }
}
