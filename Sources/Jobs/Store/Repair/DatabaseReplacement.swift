import Files
import Foundation
import GRDB
import Glibc

/// Puts a new database into the place of a damaged one, which stays in lost+found.
///
/// A log must never lie beside another database than its own: SQLite would play it into that one. So the log is brought into the damaged
/// database first, and the new one then takes the name of that in one rename.
struct DatabaseReplacement {
  private let directory: DataDirectory
  private let limits: SalvageLimits

  init(_ directory: DataDirectory, _ limits: SalvageLimits) {
    self.directory = directory
    self.limits = limits
  }

  /// - Parameter fresh: whole, closed, and without a journal, in a folder of the data directory.
  func run(with fresh: URL) throws {
    try limits.step("the log goes into the damaged database")
    try DamagedDatabase.takeLog(of: directory.database)
    try limits.step("the damaged database gets a second name in lost+found")
    try directory.lost.keep(directory.database, because: "the database was damaged")
    try limits.step("the log is taken away")
    try removeLog()
    try limits.step("the new database takes the name")
    try AtomicFile.move(OpenFile(fresh), at: fresh, to: directory.database)
    try limits.step("the new database is in its place")
  }

  /// Empty, or that of a database that SQLite cannot open.
  private func removeLog() throws {
    let log = URL(fileURLWithPath: directory.database.path + "-wal")
    if let file = try? OpenFile(log), file.size > 0 { try directory.lost.take(log, because: "the database was damaged") }
    for suffix in ["-wal", "-shm"] { unlink(directory.database.path + suffix) }
    try Folder.sync(directory.root)
  }
}
