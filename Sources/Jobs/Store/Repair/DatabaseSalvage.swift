import Files
import Foundation
import GRDB

/// What a salvage may take, and who watches it; for tests.
package struct SalvageLimits: Sendable {
  /// The free bytes of the disk; `nil` for what the system says.
  package var freeBytes: Int?
  /// The most pages of the new database; `nil` for any number.
  package var mostPages: Int?
  /// Called before each step that changes a name in the data folder.
  package var step: @Sendable (String) throws -> Void = { _ in }

  package init() {}
}

/// Makes a new database of what can be read of a damaged one.
///
/// The damaged one is only read until the new one is whole and on the disk. Then the new one takes its name in one rename: whenever the
/// process is killed, the name is that of the one or the other.
///
/// What is read are copies, in which the header is mended: the database with its log and, where it has one, without it. A log that is
/// damaged may bring back older pages. The copy of which more is kept is the one that counts.
struct DatabaseSalvage {
  /// A new database, made of one copy.
  private struct Attempt {
    let fresh: URL
    let tables: [SalvagedTable]
    let withoutLog: Bool

    /// What was kept of a table; nothing of one that a later version brought.
    func table(_ name: String) -> SalvagedTable { tables.first { $0.name == name } ?? SalvagedTable(name: name) }

    var kept: Int { tables.map(\.kept).reduce(0, +) }
  }

  private let directory: DataDirectory
  private let limits: SalvageLimits

  init(_ directory: DataDirectory, _ limits: SalvageLimits) {
    self.directory = directory
    self.limits = limits
  }

  /// - Throws: `DataDirectoryError` when there is no room, or something else than the damage is in the way; the damaged database is as it
  ///   was then.
  func run() throws -> [SalvagedTable] {
    try requireRoom()
    defer { discard() }
    do {
      let attempts = try attempts()
      let best = attempts.count > 1 && attempts[1].kept > attempts[0].kept ? attempts[1] : attempts[0]
      if Self.mayHaveLostTokens(attempts, best) { try Self.noteLostTokens(best.fresh) }
      if best.tables.contains(where: { Self.naming.contains($0.name) && !$0.isWhole }) { try directory.keepUnnamed() }
      try DatabaseReplacement(directory, limits).run(with: best.fresh, withoutLog: best.withoutLog)
      return best.tables
    } catch let error as DatabaseError {
      throw refusal(error)
    } catch let error as StorageError {
      throw DataDirectoryError(description: "the database in \(directory.root.path) was not repaired and is as it was: \(error)")
    }
  }

  /// Tables whose records name files and folders.
  private static let naming = ["jobs", "checkpoints", "models", "datasets"]

  private func refusal(_ error: DatabaseError) -> DataDirectoryError {
    guard let obstacle = DatabaseObstacle(error, at: directory.database, freeBytes: directory.space.freeBytes) else {
      return DataDirectoryError(
        description: "the database in \(directory.root.path) was not repaired and is as it was: \(error.message ?? "\(error)")")
    }
    return DataDirectoryError(
      description: """
        the database in \(directory.root.path) was not repaired and is as it was: \(obstacle.what); \(obstacle.advice)
        """)
  }

  private static let prefix = "new-salvage-"

  private func discard() {
    let incoming = directory.root.appendingPathComponent("incoming")
    for name in Folder.names(in: incoming) where name.hasPrefix(Self.prefix) { Folder.remove(incoming.appendingPathComponent(name)) }
  }

  /// A copy, and a new database of each of two copies, with its journal.
  private func requireRoom() throws {
    let bytes = ["", "-wal"].map { (try? OpenFile(URL(fileURLWithPath: directory.database.path + $0)))?.size ?? 0 }.reduce(0, +)
    let needed = 4 * bytes + (1 << 20)
    guard let free = limits.freeBytes ?? directory.space.freeBytes, free < needed else { return }
    throw DataDirectoryError(
      description: """
        the database in \(directory.root.path) was not repaired and is as it was: a repair needs room for four times the database, \
        \(needed) bytes, and the disk has \(free) left; make room on it and try again
        """)
  }

  // MARK: Copying

  /// - Returns: one or two, the one with the log first.
  private func attempts() throws -> [Attempt] {
    // While this connection is open, the end of the next one leaves the log as it is.
    let original = try DamagedDatabase(directory.database)
    defer { try? original.close() }
    try DamagedDatabase.requireWritable(directory.database)
    let log = WriteAheadLog(URL(fileURLWithPath: directory.database.path + "-wal"))
    let first = try attempt(with: log)
    guard let log, log.wholeCommits > 0 else { return [first] }
    return [first, try attempt(with: nil)]
  }

  // MARK: Tokens

  /// Whether there may have been a token that the new database lacks: then the service must not open to everybody. Only tables that were read
  /// whole, of each copy, say that there was none.
  private static func mayHaveLostTokens(_ attempts: [Attempt], _ best: Attempt) -> Bool {
    if attempts.contains(where: { !$0.table("tokens").isWhole }) { return true }
    // Of those that an earlier repair lost a setting says so.
    return best.table("tokens").kept == 0 && attempts.contains { $0.table("tokens").kept > 0 || !$0.table("settings").isWhole }
  }

  private static func noteLostTokens(_ fresh: URL) throws {
    let new = try DatabaseQueue(path: fresh.path)
    try new.write { db in try Store.noteLostTokens(db) }
    try new.close()
  }

  // MARK: Building

  private func attempt(with log: WriteAheadLog?) throws -> Attempt {
    let copy = try DatabaseCopy(of: directory, with: log, mendsHeader: true)
    defer { copy.remove() }
    let fresh = directory.root.appendingPathComponent("incoming/\(Self.prefix)\(UUID().uuidString).sqlite")
    return Attempt(fresh: fresh, tables: try build(fresh, from: copy), withoutLog: log == nil)
  }

  private func build(_ fresh: URL, from copy: DatabaseCopy) throws -> [SalvagedTable] {
    let damaged = try DamagedDatabase(copy.url)
    defer { try? damaged.close() }
    let version = try Schema.version(of: damaged.columns)
    let new = try DatabaseQueue(path: fresh.path, configuration: Self.configuration(limits.mostPages))
    try new.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
    if let version { try Schema.migrator.migrate(new, upTo: version) }
    let pages = try PageScan(copy.url, pageBytes: copy.pageBytes)
    let tables = try new.write { db in
      var jobs: [String] = []
      return try Self.order.map { name in
        var table = TableCopy(name, from: damaged, pages, to: db)
        try table.run(jobs: jobs)
        if name == "files", !table.report.isWhole { try table.replace(bySizesIn: directory.files) }
        if name == "jobs" { jobs = try String.fetchAll(db, sql: "SELECT id FROM jobs") }
        return table.report
      }
    }
    try Schema.migrator.migrate(new)
    try requireWhole(new)
    try new.close()
    return tables
  }

  private static func configuration(_ mostPages: Int?) -> Configuration {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = true
    configuration.prepareDatabase { db in
      try StoreDatabase.incrementalVacuum(db)
      if let mostPages { try db.execute(sql: "PRAGMA max_page_count = \(mostPages)") }
    }
    return configuration
  }

  private func requireWhole(_ new: DatabaseQueue) throws {
    let faults = try new.read { db in try String.fetchAll(db, sql: "PRAGMA integrity_check(3)") }
    guard faults == ["ok"] else { throw StorageError("the new database is not whole (\(faults.joined(separator: "; ")))") }
  }

  /// Parents before children.
  private static let order = [
    "jobs", "datasets", "models", "transitions", "events", "metrics", "checkpoints", "uses", "idempotency", "attempts", "damaged",
    "released", "sweeps", "sweep_jobs", "tokens", "webhooks", "deliveries", "event_order", "files", "turns", "settings", "schedules",
    "schedule_runs",
  ]
}
