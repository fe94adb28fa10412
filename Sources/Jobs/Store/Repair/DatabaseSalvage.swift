import Files
import Foundation
import GRDB
import JSON

/// What was kept of a table of a damaged database.
package struct SalvagedTable: Hashable, Sendable {
  package let name: String
  package internal(set) var kept = 0
  /// Rows that are known to be lost; where `isExact` is false there may be more.
  package internal(set) var lost = 0
  package internal(set) var isExact = true

  package var json: JSONValue {
    ["table": .string(name), "kept": .int(Int64(kept)), "lost": .int(Int64(lost)), "exact": .bool(isExact)]
  }

  package var description: String {
    lost == 0 ? "\(name): \(kept) kept" : "\(name): \(kept) kept, \(isExact ? "" : "at least ")\(lost) lost"
  }
}

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
struct DatabaseSalvage {
  private let directory: DataDirectory
  private let limits: SalvageLimits
  private let fresh: URL

  init(_ directory: DataDirectory, _ limits: SalvageLimits) {
    self.directory = directory
    self.limits = limits
    fresh = directory.root.appendingPathComponent("incoming/new-salvage-\(UUID().uuidString).sqlite")
  }

  /// - Throws: `DataDirectoryError` when there is no room, or something else than the damage is in the way; the damaged database is as it
  ///   was then.
  func run() throws -> [SalvagedTable] {
    try requireRoom()
    do {
      let tables = try build()
      try DatabaseReplacement(directory, limits).run(with: fresh)
      return tables
    } catch let error as DatabaseError {
      discard()
      throw refusal(error)
    } catch let error as StorageError {
      discard()
      throw DataDirectoryError(description: "the database in \(directory.root.path) was not repaired and is as it was: \(error)")
    }
  }

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

  private func discard() { for suffix in ["", "-journal"] { Folder.remove(URL(fileURLWithPath: fresh.path + suffix)) } }

  /// The new database and its journal, or a copy of the damaged one where the file system has no links.
  private func requireRoom() throws {
    let bytes = ["", "-wal"].map { (try? OpenFile(URL(fileURLWithPath: directory.database.path + $0)))?.size ?? 0 }.reduce(0, +)
    guard let free = limits.freeBytes ?? directory.space.freeBytes, free < 2 * bytes + (1 << 20) else { return }
    throw DataDirectoryError(
      description: """
        the database in \(directory.root.path) was not repaired and is as it was: a repair needs room for twice the database, \
        \(2 * bytes + (1 << 20)) bytes, and the disk has \(free) left; make room on it and try again
        """)
  }

  // MARK: Copying

  private func build() throws -> [SalvagedTable] {
    let damaged = try DamagedDatabase(directory.database)
    // While the other connection is open, the end of this one leaves the log as it is.
    try DamagedDatabase.requireWritable(directory.database)
    let version = try Schema.version(of: damaged.columns)
    let new = try DatabaseQueue(path: fresh.path, configuration: Self.configuration(limits.mostPages))
    try new.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
    if let version { try Schema.migrator.migrate(new, upTo: version) }
    let tables = try new.write { db in
      var jobs: [String] = []
      return try Self.order.map { name in
        let table = try copy(name, jobs: jobs, from: damaged, to: db)
        if name == "jobs" { jobs = try String.fetchAll(db, sql: "SELECT id FROM jobs") }
        return table
      }
    }
    try Schema.migrator.migrate(new)
    try requireWhole(new)
    try new.close()
    try damaged.close()
    return tables
  }

  private static func configuration(_ mostPages: Int?) -> Configuration {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = true
    configuration.prepareDatabase { db in
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
    "released",
  ]

  private func copy(_ name: String, jobs: [String], from damaged: DamagedDatabase, to new: Database) throws -> SalvagedTable {
    var report = SalvagedTable(name: name)
    // A table that came with a later version.
    guard let wanted = try Schema.columns(new)[name] else { return report }
    let columns = wanted.intersection(damaged.columns[name] ?? []).sorted()
    let key = try Self.key(of: name, new)
    guard !columns.isEmpty, key == ["rowid"] || key.allSatisfy(columns.contains) else {
      (report.lost, report.isExact) = (1, false)
      return report
    }
    let marks = columns.map { _ in "?" }.joined(separator: ", ")
    let insertion = try new.makeStatement(sql: "INSERT INTO \(name) (\(columns.joined(separator: ", "))) VALUES (\(marks))")
    var refused = 0
    try damaged.read { db in
      let reader = TableReader(name, key: key, columns: columns, db) { values in
        do {
          try insertion.execute(arguments: StatementArguments(values))
          report.kept += 1
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_PRIMARYKEY {
          // Two damaged pages may lead to the same row.
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
          refused += 1
        }
      }
      var (known, isComplete): (Set<RecordKey>, Bool) = ([], false)
      var splits: TableSplits?
      let stretches = try reader.read { low, high in
        if splits == nil {
          for (index, column) in try Self.indexes(of: name, new) {
            let keys = try reader.keys(in: index, orderedBy: column)
            known.formUnion(keys.found)
            isComplete = isComplete || keys.isWhole
          }
          splits = isComplete ? TableSplits(known) : TableSplits(key: key, known: known, jobs: jobs, pages: damaged.pages)
        }
        return splits?.middle(after: low, before: high)
      }
      report.isExact = stretches == 0 || isComplete
      let missing = max(known.count - report.kept - refused, isComplete ? 0 : stretches)
      report.lost = refused + max(missing, 0)
    }
    return report
  }

  /// The columns of its primary key where the table is kept by it, else `rowid`.
  private static func key(of table: String, _ db: Database) throws -> [String] {
    let isByKey = try Bool.fetchOne(db, sql: "SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'", arguments: [table]) ?? false
    guard isByKey else { return ["rowid"] }
    return try String.fetchAll(db, sql: "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", arguments: [table])
  }

  /// Those that name every row beside the table itself, with their first columns.
  private static func indexes(of table: String, _ db: Database) throws -> [(name: String, column: String)] {
    let isByKey = try key(of: table, db) != ["rowid"]
    return try Row.fetchAll(
      db,
      sql: """
        SELECT list.name AS name, columns.name AS part FROM pragma_index_list(?) AS list JOIN pragma_index_info(list.name) AS columns
        WHERE list.partial = 0 AND columns.seqno = 0 AND (list.origin <> 'pk' OR NOT ?)
        """, arguments: [table, isByKey]
    ).map { ($0["name"], $0["part"]) }
  }
}
