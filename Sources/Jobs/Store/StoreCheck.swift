import Files
import Foundation
import GRDB
import JSON
import Logging

/// The check of a whole data directory, for a stopped service: the database, every record in it, every file that it names.
package struct StoreCheck: Sendable {
  /// One thing that is wrong.
  package struct Finding: Hashable, Sendable {
    package enum Kind: String, Sendable { case database, log, record, file, state, unnamed }

    package let kind: Kind
    /// The resource, or the name of the file.
    package let id: String
    package let detail: String
    /// What was done about it; `nil` for nothing.
    package var mended: String?
    /// It was found before: its resource answers 410 until it is deleted.
    package var isKnown = false

    package var json: JSONValue {
      [
        "kind": .string(kind.rawValue), "id": .string(id), "detail": .string(detail), "mended": .orNull(mended), "known": .bool(isKnown),
      ]
    }
  }

  package private(set) var findings: [Finding] = []
  package private(set) var filesChecked = 0
  package private(set) var recordsChecked = 0
  private let root: URL
  private let repair: Bool

  /// Looks at everything, and with `repair` mends what can be mended: indexes are made anew, what can be read of a damaged database is
  /// copied into a new one, damaged files and records are moved into lost+found.
  ///
  /// - Throws: `DataDirectoryError` when the folder is no data directory, or a service runs on it.
  package init(_ root: URL, repair: Bool = false) throws {
    self.root = root
    self.repair = repair
    guard FileManager.default.fileExists(atPath: root.appendingPathComponent("temper.sqlite").path) else {
      throw DataDirectoryError(description: "\(root.path) is no data directory of Temper: it has no temper.sqlite")
    }
    let directory = try DataDirectory(root)
    defer { directory.release() }
    try lookAtLog(directory)
    guard let database = try checkDatabase(directory) else { return }
    try checkRecords(directory, database)
    try checkFiles(directory, database)
    try checkStates(directory)
    try database.close()
  }

  package var isWhole: Bool { findings.isEmpty }

  /// Neither mended nor known before.
  package var open: [Finding] { findings.filter { $0.mended == nil && !$0.isKnown } }

  private mutating func found(_ kind: Finding.Kind, _ id: String, _ detail: String, mended: String? = nil, isKnown: Bool = false) {
    findings.append(Finding(kind: kind, id: id, detail: detail, mended: mended, isKnown: isKnown))
  }

  /// What was found of one kind is mended.
  private mutating func mended(_ kind: Finding.Kind, _ how: String) {
    for index in findings.indices where findings[index].kind == kind { findings[index].mended = how }
  }

  private static let moved = "moved into lost+found"

  // MARK: The database

  private mutating func lookAtLog(_ directory: DataDirectory) throws {
    guard let log = WriteAheadLog(root.appendingPathComponent("temper.sqlite-wal")), log.lostCommits > 0 else { return }
    found(
      .log, "temper.sqlite-wal",
      "\(log.lostFrames) frames behind the first \(log.wholeFrames) do not match their checksums: changes are lost")
  }

  /// - Returns: `nil` when it cannot be read.
  private mutating func checkDatabase(_ directory: DataDirectory) throws -> JobDatabase? {
    do {
      let database = try JobDatabase(directory)
      var faults = try database.check(full: true, within: .infinity) ?? []
      for fault in faults { found(.database, "temper.sqlite", fault) }
      if !faults.isEmpty, repair {
        faults = try Self.reindexed(database)
        if faults.isEmpty { mended(.database, "its indexes were made anew") }
      }
      if faults.isEmpty {
        try database.migrate()
        return database
      }
      try database.close()
    } catch let error as DatabaseError {
      found(.database, "temper.sqlite", error.message ?? "\(error)")
    }
    guard repair else { return nil }
    let database = try salvaged(directory)
    mended(.database, "what could be read was copied into a new database, the damaged one \(Self.moved)")
    return database
  }

  private static func reindexed(_ database: JobDatabase) throws -> [String] {
    do { try database.write { db in try db.execute(sql: "REINDEX") } } catch {}
    return try database.check(full: true, within: .infinity) ?? []
  }

  /// A new database of what can be read of the damaged one, which goes to lost+found.
  private func salvaged(_ directory: DataDirectory) throws -> JobDatabase {
    let old = root.appendingPathComponent("incoming/new-salvage.sqlite")
    for suffix in ["", "-wal", "-shm"] {
      let (from, to) = (directory.database.path + suffix, old.path + suffix)
      if FileManager.default.fileExists(atPath: from) { try systemCall("the damaged database cannot be moved") { rename(from, to) } }
    }
    let database = try JobDatabase(directory)
    try database.migrate()
    if let damaged = try? DatabaseQueue(path: old.path) {
      for table in Self.tables { Self.copy(table, from: damaged, to: database) }
      try? damaged.close()
    }
    for suffix in ["", "-wal", "-shm"] {
      let url = URL(fileURLWithPath: old.path + suffix)
      if FileManager.default.fileExists(atPath: url.path) { try directory.lost.take(url, because: "the database was damaged") }
    }
    return database
  }

  /// Parents before children.
  private static let tables = [
    "jobs", "datasets", "models", "transitions", "events", "metrics", "checkpoints", "uses", "idempotency", "attempts", "damaged",
    "released",
  ]

  /// As many rows as can be read.
  private static func copy(_ table: String, from damaged: DatabaseQueue, to database: JobDatabase) {
    try? damaged.read { source in
      let rows = try Row.fetchCursor(source, sql: "SELECT * FROM \(table)")
      while let row = try rows.next() {
        let columns = Array(row.columnNames)
        let marks = columns.map { _ in "?" }.joined(separator: ", ")
        try? database.write { db in
          try db.execute(
            sql: "INSERT OR IGNORE INTO \(table) (\(columns.joined(separator: ", "))) VALUES (\(marks))",
            arguments: StatementArguments(row.databaseValues))
        }
      }
    }
  }

  // MARK: Records

  private mutating func checkRecords(_ directory: DataDirectory, _ database: JobDatabase) throws {
    let readers: [(table: String, read: (Row, Database) throws -> Void)] = [
      ("jobs", { row, db in _ = try Store.job(row["id"], db) }),
      ("datasets", { row, _ in _ = try DatasetRecord(row) }),
      ("models", { row, _ in _ = try ModelRecord(row) }),
      ("checkpoints", { row, _ in _ = try CheckpointRecord(row) }),
    ]
    for (table, read) in readers {
      let damaged = try database.read { db in
        let rows = try Row.fetchAll(db, sql: "SELECT * FROM \(table)")
        recordsChecked += rows.count
        return rows.filter { row in (try? read(row, db)) == nil }
      }
      for row in damaged {
        let id: String = row["id"]
        if repair { try setAside(row, of: table, directory, database) }
        found(.record, id, "its record in the table \(table) cannot be understood", mended: repair ? "\(Self.moved) as text" : nil)
      }
    }
  }

  private func setAside(_ row: Row, of table: String, _ directory: DataDirectory, _ database: JobDatabase) throws {
    let url = root.appendingPathComponent("incoming/new-\(table)-\(row["id"] as String).txt")
    try AtomicFile.write(Data(row.debugDescription.utf8), to: url)
    try directory.lost.take(url, because: "the record could not be understood")
    try database.write { db in try db.execute(sql: "DELETE FROM \(table) WHERE id = ?", arguments: [row["id"] as String]) }
  }

  // MARK: Files

  private mutating func checkFiles(_ directory: DataDirectory, _ database: JobDatabase) throws {
    let (named, all, known) = try database.read { db in
      (
        try Row.fetchAll(
          db,
          sql: """
            SELECT file AS sha256, id FROM datasets WHERE file IS NOT NULL UNION ALL SELECT sha256, id FROM models
            UNION ALL SELECT sha256, id FROM checkpoints UNION ALL SELECT report, id FROM jobs WHERE report IS NOT NULL
            """
        ).map { (sha256: $0["sha256"] as String, id: $0["id"] as String) },
        try Store.namedFiles(db), try String.fetchSet(db, sql: "SELECT sha256 FROM damaged")
      )
    }
    for (sha256, ids) in Dictionary(grouping: named, by: \.sha256).sorted(by: { $0.key < $1.key }) {
      filesChecked += 1
      guard let detail = try Self.damage(of: sha256, directory.files, setAside: repair) else { continue }
      let isKnown = known.contains(sha256)
      let mended = repair && !isKnown ? "noted as damaged, and what is there of it \(Self.moved)" : nil
      for (_, id) in ids { found(.file, id, detail, mended: mended, isKnown: isKnown) }
      guard repair, !isKnown else { continue }
      try database.write { db in
        try db.execute(
          sql: "INSERT OR IGNORE INTO damaged (sha256, detail, found_at) VALUES (?, ?, ?)",
          arguments: [sha256, detail, Timestamp.now.milliseconds])
      }
    }
    for sha256 in directory.files.all() where !all.contains(sha256) {
      if repair { try directory.files.setAside(sha256, because: "the database names no such file") }
      found(.unnamed, sha256, "no record names this file; the next start moves it into lost+found", mended: repair ? Self.moved : nil)
    }
  }

  /// What jobs would go on from.
  private mutating func checkStates(_ directory: DataDirectory) throws {
    for id in Folder.names(in: root.appendingPathComponent("jobs")) where Identifier.job.matches(id) {
      filesChecked += Folder.names(in: directory.job(id)).count
      for (name, reason) in try JobRunner.damagedStates(in: directory.job(id)) {
        if repair { try directory.lost.take(directory.job(id).appendingPathComponent(name), because: "it \(reason)") }
        found(
          .state, id, "its saved state \(name) \(reason); the job goes on from the one before it, or begins anew",
          mended: repair ? Self.moved : nil)
      }
    }
  }

  /// What is wrong with a file, `nil` for nothing. Only with `setAside` it is moved when it is damaged.
  private static func damage(of sha256: String, _ files: FileStore, setAside: Bool) throws -> String? {
    do {
      if setAside { try files.check(sha256) } else { try files.look(at: sha256) }
      return nil
    } catch let error as DamagedFile {
      return error.description
    }
  }
}
