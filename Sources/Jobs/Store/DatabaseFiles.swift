import Files
import Foundation
import Glibc

/// The files of a database: SQLite's log, its index and its journal are beside it.
enum DatabaseFiles {
  static let suffixes = ["", "-wal", "-shm", "-journal"]

  /// What is in the place of one of them and is no file, as a phrase; `nil` for nothing. SQLite waits for ever for a pipe, and does not say
  /// what is wrong with the others.
  static func stranger(of database: URL) -> String? {
    for suffix in suffixes {
      let path = database.path + suffix
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }
      let name = "\(database.lastPathComponent)\(suffix)"
      if stat(path, &status) != 0 { return "\(name) is a link that leads to no file" }
      if status.st_mode & S_IFMT != S_IFREG { return "\(name) is \(status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "no regular file")" }
    }
    return nil
  }

  /// - Throws: `DataDirectoryError`.
  static func requireNoStranger(_ root: URL) throws {
    guard let stranger = stranger(of: root.appendingPathComponent("temper.sqlite")) else { return }
    throw DataDirectoryError(
      description: "the database in \(root.path) cannot be used: \(stranger); nothing was touched: move it away, or put the file back")
  }

  /// Whether the system lets this process write no larger files than the database and its log are, or hardly any.
  static func isAtLimit(_ database: URL) -> Bool {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0, limit.rlim_cur != rlim_t(bitPattern: -1) else { return false }
    let largest = ["", "-wal"].map { (try? OpenFile(URL(fileURLWithPath: database.path + $0)))?.size ?? 0 }.max() ?? 0
    return UInt64(largest) + margin > UInt64(limit.rlim_cur)
  }

  /// The largest write of SQLite's, and a little more.
  private static let margin: UInt64 = 1 << 17
}

extension DataDirectory {
  /// Moves what is in the place of the database's journal and is none into lost+found: SQLite would take the database for one that it has to
  /// roll back, and cannot where it only reads.
  ///
  /// - Returns: whether there was anything.
  func setAsideStrayJournal() throws -> Bool {
    let journal = URL(fileURLWithPath: database.path + "-journal")
    guard let file = try? OpenFile(journal), WriteAheadLog.bytes(of: file, at: 0, count: 8) != Self.journalMagic else { return false }
    try lost.take(journal, because: "it is no journal of the database")
    return true
  }

  /// The first bytes of a rollback journal (sqlite.org/fileformat2.html#the_rollback_journal).
  private static let journalMagic: [UInt8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]
}
