import Foundation
import Glibc

/// The free space of the disk that holds a folder.
package struct DiskSpace: Sendable {
  package let folder: URL
  /// The bytes that must stay free.
  package let reserveBytes: Int

  /// - Parameter reserveBytes: `nil` for 2 % of the disk, but at most 512 MiB.
  package init(_ folder: URL, reserveBytes: Int? = nil) {
    self.folder = folder
    self.reserveBytes = reserveBytes ?? min(Self.bytes(of: folder).map { $0.all / 50 } ?? 0, 512 << 20)
  }

  /// The bytes that unprivileged processes may still write; `nil` when the system does not say.
  package var freeBytes: Int? { Self.bytes(of: folder)?.free }

  /// Whether writing `bytes` more leaves the reserve free.
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
