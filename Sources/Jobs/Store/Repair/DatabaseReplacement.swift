import Files
import Foundation
import GRDB
import Glibc

/// Puts a new database into the place of a damaged one, which stays in lost+found.
///
/// A log must never lie beside another database than its own: SQLite would play it into that one. So the log is brought into the damaged
/// database first, and the new one then takes the name of that in one rename. A log without which the database holds more is moved into
/// lost+found instead.
struct DatabaseReplacement {
  private let directory: DataDirectory
  private let limits: SalvageLimits

  init(_ directory: DataDirectory, _ limits: SalvageLimits) {
    self.directory = directory
    self.limits = limits
  }

  /// - Parameters:
  ///   - fresh: whole, closed, and without a journal, in a folder of the data directory.
  ///   - withoutLog: whether it was made of the database without its log.
  func run(with fresh: URL, withoutLog: Bool) throws {
    try limits.step("the log goes into the damaged database")
    if withoutLog { try directory.setAsideLog(because: Self.reason) } else { try DamagedDatabase.takeLog(of: directory.database) }
    try limits.step("the damaged database gets a second name in lost+found")
    try directory.lost.keep(directory.database, because: Self.reason)
    try limits.step("the log is taken away")
    try removeLog()
    try limits.step("the new database takes the name")
    try AtomicFile.move(OpenFile(fresh), at: fresh, to: directory.database)
    try limits.step("the new database is in its place")
  }

  private static let reason = "the database was damaged"

  /// Empty, or that of a database that SQLite cannot open.
  private func removeLog() throws {
    try directory.setAsideLog(because: Self.reason)
    unlink(directory.database.path + "-wal")
    try Folder.sync(directory.root)
  }
}
