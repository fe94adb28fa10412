import Foundation
import Glibc
import Synchronization

/// SQLite's index of the log of an open database (sqlite.org/walformat.html), of which only the head is read.
///
/// A descriptor is never closed: SQLite's locks on the file would go with it.
final class LogIndex: Sendable {
  private let path: String
  private let known = Mutex<(descriptor: Int32, inode: ino_t)?>(nil)

  init(of database: URL) { path = database.path + "-shm" }

  /// The bytes that the log has by its index; `nil` when that cannot be read.
  var logBytes: Int? {
    guard let descriptor else { return nil }
    var head = [UInt8](repeating: 0, count: 20)
    guard pread(descriptor, &head, head.count, 0) == head.count else { return nil }
    let (page, frames) = head.withUnsafeBytes {
      (Int($0.loadUnaligned(fromByteOffset: 14, as: UInt16.self)), Int($0.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
    }
    return frames == 0 ? 0 : 32 + frames * (24 + (page == 1 ? 65_536 : page))
  }

  private var descriptor: Int32? {
    known.withLock { known in
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
      if let known, known.inode == status.st_ino { return known.descriptor }
      let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      guard descriptor >= 0 else { return nil }
      known = (descriptor, status.st_ino)
      return descriptor
    }
  }
}
