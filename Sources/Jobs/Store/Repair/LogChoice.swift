import Files
import Foundation
import GRDB

/// Whether a database is better off without its damaged log.
///
/// SQLite takes the frames of a log up to the first wrong one. Where later frames had already been copied into the database, those
/// before them bring back older pages: the database is then a mixture with its log, and whole without it.
struct LogChoice {
  private let directory: DataDirectory

  init(_ directory: DataDirectory) { self.directory = directory }

  /// - Throws: `StorageError`, as when there is no room for a copy.
  func isBetterWithout(_ log: WriteAheadLog) throws -> Bool {
    // Of a log without a whole commit SQLite takes nothing.
    guard log.wholeCommits > 0, let without = try latest(nil) else { return false }
    guard let with = try latest(log) else { return true }
    return without > with
  }

  /// The moment of the last change that a database knows of, in milliseconds; `nil` when it is damaged.
  private func latest(_ log: WriteAheadLog?) throws -> Int64? {
    let copy = try DatabaseCopy(of: directory, with: log)
    defer { copy.remove() }
    do {
      let queue = try DatabaseQueue(path: copy.url.path)
      defer { try? queue.close() }
      return try queue.read { db -> Int64? in
        guard try String.fetchAll(db, sql: "PRAGMA integrity_check(1)") == ["ok"] else { return nil }
        return try Self.moments.compactMap { table, column -> Int64? in
          try db.tableExists(table) ? Int64.fetchOne(db, sql: "SELECT max(\(column)) FROM \(table)") : nil
        }.max() ?? 0
      }
    } catch let error as DatabaseError where error.isDamage || error.resultCode == .SQLITE_ERROR {
      return nil
    } catch let error as DatabaseError {
      throw StorageError("a copy of the database cannot be read (\(error.message ?? "\(error)"))")
    }
  }

  private static let moments = [
    ("events", "at"), ("transitions", "at"), ("jobs", "created_at"), ("datasets", "created_at"), ("models", "created_at"),
    ("sweeps", "created_at"),
  ]
}
