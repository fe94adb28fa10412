import Files
import GRDB

/// Copies what can be read of one table of a damaged database into a new one: by SQLite, around the pages that it cannot read, and then
/// from the pages themselves where the tree of the table is broken.
struct TableCopy {
  private(set) var report: SalvagedTable
  private let name: String
  private let damaged: DamagedDatabase
  private let pages: PageScan
  private let new: Database
  /// Rows that the new database refuses.
  private var refused = 0

  init(_ name: String, from damaged: DamagedDatabase, _ pages: PageScan, to new: Database) {
    report = SalvagedTable(name: name)
    (self.name, self.damaged, self.pages, self.new) = (name, damaged, pages, new)
  }

  /// - Parameter jobs: those that were copied.
  mutating func run(jobs: [String]) throws {
    // A table that came with a later version.
    guard let wanted = try Schema.columns(new)[name] else { return }
    let columns = wanted.intersection(damaged.columns[name] ?? []).sorted()
    let key = try Self.key(of: name, new)
    guard !columns.isEmpty, key == ["rowid"] || key.allSatisfy(columns.contains) else {
      try scanPages()
      return report.isExact = false
    }
    let found = try readTree(key: key, columns: columns, jobs: jobs)
    guard found.stretches > 0 else { return report.lost = refused + max(found.known - report.kept - refused, 0) }
    let before = report.kept
    try scanPages()
    let isFilled = report.kept > before
    report.isExact = found.isComplete
    report.lost = refused + max(found.known - report.kept - refused, found.isComplete || isFilled ? 0 : found.stretches)
  }

  /// Of the table of the sizes of files: they are looked up again, so that none is lost.
  mutating func replace(bySizesIn files: FileStore) throws {
    for (sha256, bytes) in try Store.unnotedSizes(in: files, new) { try Store.note(sha256, bytes: bytes, new) }
    report = SalvagedTable(name: name)
    report.kept = try Int.fetchOne(new, sql: "SELECT count(*) FROM files") ?? 0
  }

  // MARK: By SQLite

  /// - Returns: how many stretches could not be read, how many rows indexes name, and whether an index names them all.
  private mutating func readTree(
    key: [String], columns: [String], jobs: [String]
  ) throws -> (stretches: Int, known: Int, isComplete: Bool) {
    let insertion = try statement("INSERT", columns)
    var (kept, refused) = (0, 0)
    var (known, isComplete): (Set<RecordKey>, Bool) = ([], false)
    let (name, new, pages) = (name, new, damaged.pages)
    let stretches = try damaged.read { db in
      let reader = TableReader(name, key: key, columns: columns, db) { values in
        do {
          try insertion.execute(arguments: StatementArguments(values))
          kept += 1
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_PRIMARYKEY {
          // Two damaged pages may lead to the same row.
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
          refused += 1
        }
      }
      var splits: TableSplits?
      return try reader.read { low, high in
        if splits == nil {
          for (index, column) in try Self.indexes(of: name, new) {
            let keys = try reader.keys(in: index, orderedBy: column)
            known.formUnion(keys.found)
            isComplete = isComplete || keys.isWhole
          }
          splits = isComplete ? TableSplits(known) : TableSplits(key: key, known: known, jobs: jobs, pages: pages)
        }
        return splits?.middle(after: low, before: high)
      }
    }
    report.kept += kept
    self.refused += refused
    return (stretches, known.count, isComplete)
  }

  private func statement(_ verb: String, _ columns: [String]) throws -> Statement {
    let marks = columns.map { _ in "?" }.joined(separator: ", ")
    return try new.makeStatement(sql: "\(verb) INTO \(name) (\(columns.joined(separator: ", "))) VALUES (\(marks))")
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

  // MARK: From the pages

  /// Adds the records that look like the table's and are not there yet.
  private mutating func scanPages() throws {
    guard let shape = try RecordShape(of: name, new) else { return }
    var statements: [Int: Statement] = [:]
    var found = 0
    try pages.forEachRecord { values in
      guard try shape.matches(values) else { return }
      let insertion = try statements[values.count] ?? statement("INSERT OR IGNORE", shape.names(values.count))
      statements[values.count] = insertion
      do {
        try insertion.execute(arguments: StatementArguments(values))
        found += new.changesCount
      } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
        // Of a job that is lost.
      }
    }
    report.kept += found
  }
}
