import Files
import Foundation
import GRDB
import JSON

/// The check of a whole data directory, for a stopped service: the database, every record in it, every file that it names.
package struct StoreCheck: Sendable {
  /// One thing that is wrong.
  package struct Finding: Hashable, Sendable {
    package enum Kind: String, Sendable { case database, log, lost, record, file, state, unnamed }

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

  package internal(set) var findings: [Finding] = []
  package internal(set) var filesChecked = 0
  package internal(set) var recordsChecked = 0
  /// What a repair kept of each table of a damaged database; empty when there was none.
  package internal(set) var salvaged: [SalvagedTable] = []
  let root: URL
  let repair: Bool

  /// Looks at everything, and with `repair` mends what can be mended: what can be read of a damaged database is copied into a new one,
  /// damaged files and records are moved into lost+found.
  ///
  /// - Parameter notice: see `DataDirectory`.
  /// - Throws: `DataDirectoryError` when the folder is no data directory, a service runs on it, or something else than damage keeps it from
  ///   being looked at or mended: then nothing was changed.
  package init(
    _ root: URL, repair: Bool = false, limits: SalvageLimits = SalvageLimits(), notice: (String) -> Void = { _ in }
  ) throws {
    self.root = root
    self.repair = repair
    guard FileManager.default.fileExists(atPath: root.appendingPathComponent("temper.sqlite").path) else {
      throw DataDirectoryError(description: "\(root.path) is no data directory of Temper: it has no temper.sqlite")
    }
    let directory = try DataDirectory(root, notice: notice)
    defer { directory.release() }
    do {
      try checkLog(directory)
      guard let database = try checkDatabase(directory, limits) else { return }
      try checkCounters(database)
      try checkRecords(directory, database)
      try checkFiles(directory, database)
      try checkStates(directory)
      if repair { try database.makeIncremental() }
      try database.close()
    } catch let error as StorageError {
      throw DataDirectoryError(description: "the data directory \(root.path) could not be checked to the end: \(error)")
    } catch let error as DatabaseError {
      throw DatabaseObstacle(error, at: directory.database, freeBytes: directory.space.freeBytes)?.refusal(of: root) ?? error
    }
  }

  package var isWhole: Bool { findings.isEmpty }

  /// Neither mended nor known before; what nobody names is no damage.
  package var open: [Finding] { findings.filter { $0.mended == nil && !$0.isKnown && $0.kind != .unnamed } }

  mutating func found(_ kind: Finding.Kind, _ id: String, _ detail: String, mended: String? = nil, isKnown: Bool = false) {
    findings.append(Finding(kind: kind, id: id, detail: detail, mended: mended, isKnown: isKnown))
  }

  /// What was found of one kind is mended.
  mutating func mended(_ kind: Finding.Kind, _ how: String) {
    for index in findings.indices where findings[index].kind == kind { findings[index].mended = how }
  }

  static let moved = "moved into lost+found"

  // MARK: Files

  private mutating func checkFiles(_ directory: DataDirectory, _ database: StoreDatabase) throws {
    let (named, all, known) = try database.read { db in
      (
        try Store.filesOfRecords(db), try Store.namedFiles(db), try String.fetchSet(db, sql: "SELECT sha256 FROM damaged")
      )
    }
    // What is no digest is the fault of its record, and must not become a path.
    let digests = Dictionary(grouping: named.filter { FileStore.isDigest($0.sha256) }, by: \.sha256)
    for (sha256, ids) in digests.sorted(by: { $0.key < $1.key }) {
      filesChecked += 1
      let isThere = directory.files.size(of: sha256) != nil
      guard let detail = try Self.damage(of: sha256, directory.files, setAside: repair) else {
        if known.contains(sha256) { try clearMark(of: sha256, ids.map(\.id), database) }
        continue
      }
      let isKnown = known.contains(sha256)
      let mended = repair && !isKnown ? "noted as damaged" + (isThere ? ", and what is there of it \(Self.moved)" : "") : nil
      for (_, id) in ids { found(.file, id, detail, mended: mended, isKnown: isKnown) }
      guard repair, !isKnown else { continue }
      try database.write { db in try Store.mark(sha256, detail, db) }
    }
    try checkUnnamed(directory, named: all)
  }

  /// A mark of damage says nothing more once the file is whole.
  private mutating func clearMark(of sha256: String, _ ids: [String], _ database: StoreDatabase) throws {
    try database.write { db in try Store.unmark(sha256, db) }
    for id in ids {
      found(.file, id, "the file with the SHA-256 \(sha256) was marked as damaged, and is whole again", mended: "the mark was taken away")
    }
  }

  private mutating func checkUnnamed(_ directory: DataDirectory, named: Set<String>) throws {
    let keeps = directory.keepsUnnamed
    for sha256 in directory.files.all() where !named.contains(sha256) {
      let moves = repair && !keeps
      if moves { try directory.files.setAside(sha256, because: "the database names no such file") }
      found(
        .unnamed, sha256,
        keeps
          ? "no record names this file; it stays as long as \(DataDirectory.noteOfLoss) is there, since a repair lost records"
          : "no record names this file; the next start moves it into lost+found",
        mended: moves ? Self.moved : nil)
    }
    for path in directory.files.strangers() {
      found(.unnamed, "files/\(path)", "no file of Temper's has such a name: it stays where it is")
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
