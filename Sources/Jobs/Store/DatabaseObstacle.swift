import Files
import Foundation
import GRDB
import Glibc

/// Why a database that is not damaged cannot be used now, and what would help.
package struct DatabaseObstacle: Hashable, Sendable {
  /// The `errno` that comes closest.
  package let code: Int32
  /// A phrase: `the disk is full`.
  package let what: String
  package let advice: String

  /// - Parameters:
  ///   - url: the database; whether this user may use it tells apart what SQLite does not.
  ///   - freeBytes: the room on its disk.
  /// - Returns: `nil` for damage, and for errors that say nothing of the surroundings.
  package init?(_ error: DatabaseError, at url: URL, freeBytes: Int?) {
    let mayUse = access(url.path, F_OK) != 0 || access(url.path, R_OK | W_OK) == 0
    switch error.resultCode {
    case .SQLITE_FULL: self.init(ENOSPC, "the disk is full", Self.makeRoom)
    case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL:
      self.init(EBUSY, "another process has the database open and holds its lock", "end that process and try again")
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH: self.init(EACCES, Self.forbidden, Self.askOwner)
    case .SQLITE_CANTOPEN, .SQLITE_IOERR:
      if let stranger = DatabaseFiles.stranger(of: url) {
        self.init(ENOTDIR, stranger, "move it away, or put the file back")
      } else if !mayUse {
        self.init(EACCES, Self.forbidden, Self.askOwner)
      } else if let freeBytes, freeBytes < 1 << 20 {
        self.init(ENOSPC, "the disk is full", Self.makeRoom)
      } else if DatabaseFiles.isAtLimit(url) {
        self.init(EFBIG, "the limit of the size of files is reached", "raise it (ulimit -f, LimitFSIZE of a systemd unit) and try again")
      } else if error.resultCode == .SQLITE_CANTOPEN {
        self.init(EMFILE, "the database cannot be opened: no file descriptor is left", "raise the limit of open files and try again")
      } else {
        self.init(EIO, "the disk reports an error", "look for faults of the disk in the system's log, then try again")
      }
    case .SQLITE_NOMEM: self.init(ENOMEM, "there is no memory left", "end other processes and try again")
    default: return nil
    }
  }

  private init(_ code: Int32, _ what: String, _ advice: String) {
    self.code = code
    self.what = what
    self.advice = advice
  }

  private static let makeRoom = "make room on it and try again"
  private static let forbidden = "this user may not write the database"
  private static let askOwner =
    "run as the owner of the folder, or let this user read and write the folder and everything in it (a disk may also be mounted read-only)"

  /// For whoever starts the process.
  func refusal(of root: URL) -> DataDirectoryError {
    DataDirectoryError(description: "the database in \(root.path) cannot be used: \(what); nothing is known to be damaged: \(advice)")
  }
}

extension DatabaseError {
  /// Whether the content of the database is at fault, and nothing around it.
  package var isDamage: Bool { [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(resultCode) }
}
