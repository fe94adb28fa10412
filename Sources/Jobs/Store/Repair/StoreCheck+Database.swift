import Files
import Foundation
import GRDB

/// The check of the database and of every record in it.
extension StoreCheck {
  mutating func checkLog(_ directory: DataDirectory) throws {
    if try directory.setAsideStrayJournal() { found(.log, "temper.sqlite-journal", "it is no journal of the database", mended: Self.moved) }
    guard let (log, isSetAside) = try directory.settleDamagedLog() else { return }
    let what = "\(log.lostFrames) frames behind the first \(log.wholeFrames) do not match their checksums"
    found(
      .log, "temper.sqlite-wal",
      isSetAside ? "\(what); the database holds more without it" : "\(what): changes are lost; a copy is in lost+found",
      mended: isSetAside ? Self.moved : nil)
  }

  /// - Returns: `nil` when it cannot be read.
  /// - Throws: `DataDirectoryError` for everything that is not damage.
  mutating func checkDatabase(_ directory: DataDirectory, _ limits: SalvageLimits) throws -> StoreDatabase? {
    let header = DatabaseHeader.fault(of: directory.database)
    var faults = try header.map { [$0] } ?? StoreDatabase.check(directory, full: true, within: .infinity) ?? []
    if faults.isEmpty {
      do {
        let database = try StoreDatabase(directory)
        faults = try database.bringForward()
        if faults.isEmpty { return database }
        try database.close()
      } catch let error as DatabaseError where error.isDamage {
        faults = [error.message ?? "\(error)"]
      }
    }
    for fault in faults { found(.database, "temper.sqlite", fault) }
    guard repair else { return nil }
    salvaged = try DatabaseSalvage(directory, limits).run()
    mended(.database, "what could be read was copied into a new database, the damaged one \(Self.moved)")
    for table in salvaged {
      if let sentence = table.sentence { found(.lost, table.name, sentence) }
    }
    let database = try StoreDatabase(directory)
    try database.migrate()
    if try database.read(Store.mayHaveLostTokens) { foundLostTokens() }
    return database
  }

  private mutating func foundLostTokens() {
    found(
      .lost, "tokens",
      """
      tokens may be lost: from now on the service answers no request without one, until one is made with \
      temper token create --name NAME --role admin --data \(root.path)
      """)
  }

  // MARK: Records

  mutating func checkRecords(_ directory: DataDirectory, _ database: StoreDatabase) throws {
    for rules in RecordRules.all {
      let (count, damaged) = try database.read { db in try rules.check(db) }
      recordsChecked += count
      for (row, faults) in damaged {
        let kept = try repair ? setAside(row, rules, directory, database) : nil
        let place = rules.key.map { "\($0) \(Self.shown(row[$0]))" }.joined(separator: ", ")
        found(
          .record, Self.shown(row[rules.key[0]]),
          "its record in the table \(rules.table) (\(place)) cannot be understood: \(faults.joined(separator: ", "))",
          mended: kept.map { "\(Self.moved) as the text \($0.name)" })
        if kept != nil, Self.tellsOfTokens(row, rules) { foundLostTokens() }
        guard let kept, rules.namesFiles else { continue }
        try directory.keepUnnamed()
        let others = kept.others > 0 ? ", and with it \(kept.others) records of the job" : ""
        found(
          .lost, Self.shown(row[rules.key[0]]),
          "its record is gone from the table \(rules.table)\(others); the files that they named stay where they are, see "
            + DataDirectory.noteOfLoss)
      }
    }
  }

  /// A key may be anything: it is shown in short, and never becomes the name of a file.
  private static func shown(_ value: DatabaseValue) -> String {
    guard case .string(let text) = value.storage else { return "\(value)" }
    return String(text.prefix(100))
  }

  /// Moves a record into lost+found, with what goes with it when it is a job.
  ///
  /// - Returns: the name of the text there, and how many records beside its own it holds.
  private func setAside(
    _ row: Row, _ rules: RecordRules, _ directory: DataDirectory, _ database: StoreDatabase
  ) throws -> (name: String, others: Int) {
    let id: DatabaseValue = row[rules.key[0]]
    let belongings = try rules.table == "jobs" ? database.read { db in try Self.belongings(of: id, db) } : []
    let text = ([row.debugDescription] + belongings).joined(separator: "\n")
    let url = root.appendingPathComponent("incoming/new-\(rules.table)-\(UUID().uuidString).txt")
    try AtomicFile.write(Data(text.utf8), to: url)
    let name = try directory.lost.take(url, because: "the record could not be understood")
    let filter = rules.key.map { "\($0) IS ?" }.joined(separator: " AND ")
    try database.write { db in
      try db.execute(
        sql: "DELETE FROM \(rules.table) WHERE \(filter)", arguments: StatementArguments(rules.key.map { row[$0] as DatabaseValue }))
      if Self.tellsOfTokens(row, rules) { try Store.noteLostTokens(db) }
    }
    return (name, belongings.count)
  }

  /// Whether a row is a token, or may have said that some are lost.
  private static func tellsOfTokens(_ row: Row, _ rules: RecordRules) -> Bool {
    rules.table == "tokens" || rules.table == "settings" && (row["name"] as DatabaseValue) != Store.pauseSetting.databaseValue
  }

  private static func belongings(of job: DatabaseValue, _ db: Database) throws -> [String] {
    // What names a job and outlives it is not part of it.
    let others = ["released", "sweep_jobs"]
    return try RecordRules.all.map(\.table).filter { try db.columns(in: $0).contains { $0.name == "job" } && !others.contains($0) }.flatMap
    {
      table in
      try Row.fetchAll(db, sql: "SELECT * FROM \(table) WHERE job = ?", arguments: [job]).map { "\(table) \($0.debugDescription)" }
    }
  }
}
