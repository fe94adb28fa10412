import Foundation
import Glibc

/// The room on the disk that a folder lies on.
package struct DiskSpace: Sendable {
  package let folder: URL
  /// The bytes that are to stay free.
  package let reserveBytes: Int

  /// - Parameter reserveBytes: `nil`: 2 % of the disk, and 512 MiB at the most.
  package init(_ folder: URL, reserveBytes: Int? = nil) {
    self.folder = folder
    self.reserveBytes = reserveBytes ?? min(Self.bytes(of: folder).map { $0.all / 50 } ?? 0, 512 << 20)
  }

  /// The bytes that unprivileged processes may still write; `nil` when the system does not say.
  package var freeBytes: Int? { Self.bytes(of: folder)?.free }

  /// Whether so many bytes more leave the reserve untouched.
  package func hasRoom(for bytes: Int = 0) -> Bool {
    guard let free = freeBytes else { return true }
    return free - bytes > reserveBytes
  }

  /// - Throws: `StorageError` with `isFull` when the disk is at its reserve.
  package func requireRoom(for bytes: Int = 0) throws(StorageError) {
    guard hasRoom(for: bytes) else { throw StorageError("the reserve of \(reserveBytes) bytes is reached", errno: ENOSPC) }
  }

  private static func bytes(of folder: URL) -> (all: Int, free: Int)? {
    var figures = statvfs()
    guard statvfs(folder.path, &figures) == 0 else { return nil }
    let block = Int(figures.f_frsize)
    return (Int(figures.f_blocks) * block, Int(figures.f_bavail) * block)
  }
}
