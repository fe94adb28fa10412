import Foundation
import Glibc

/// A regular file that is open for reading. It stays readable if its name is removed, and is closed with the last reference.
package final class OpenFile: Sendable {
  package let descriptor: Int32
  /// The size in bytes when it was opened.
  package let size: Int
  /// Of a part of a file: where it begins in it.
  private let start: Int?
  /// The name of the file in errors, never a path.
  package let title: String
  /// Identifies this state of the file.
  package let identity: FileIdentity

  /// - Throws: `StorageError`, also when this is not a regular file.
  package init(_ url: URL, title: String? = nil) throws(StorageError) {
    let title = title ?? url.lastPathComponent
    let path = url.path
    // With O_NONBLOCK, opening a pipe does not block. It has no effect on regular files.
    let descriptor = try systemCall("\(title) cannot be opened") { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    do throws(StorageError) {
      let status = try Self.status(of: descriptor, title)
      guard status.st_mode & S_IFMT == S_IFREG else { throw StorageError("\(title) is not a regular file") }
      size = Int(status.st_size)
      identity = FileIdentity(status)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    self.title = title
    start = nil
  }

  /// A part of a file as a file of its own, to be read by `read(into:at:)` and what is built on it.
  ///
  /// - Throws: `StorageError`, also when the file does not have all of it.
  package init(_ whole: OpenFile, bytes: Range<Int>, title: String) throws(StorageError) {
    guard bytes.lowerBound >= 0, bytes.upperBound <= whole.size else { throw StorageError("\(whole.title) was cut") }
    let descriptor = whole.descriptor
    self.descriptor = try systemCall("\(title) cannot be opened") { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
    start = (whole.start ?? 0) + bytes.lowerBound
    size = bytes.count
    identity = whole.identity
    self.title = title
  }

  deinit { close(descriptor) }

  private static func status(of descriptor: Int32, _ title: String) throws(StorageError) -> stat {
    var status = stat()
    try systemCall("\(title) cannot be looked at") { fstat(descriptor, &status) }
    return status
  }

  /// Reads from `offset` as many bytes as `buffer` holds.
  ///
  /// - Returns: the number of bytes; fewer than `buffer` holds only at the end of the file.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(StorageError) -> Int {
    var filled = 0
    // A part ends before its file does; a whole file may have grown since it was opened.
    let wanted = start == nil ? buffer.count : min(buffer.count, max(size - offset, 0))
    while filled < wanted {
      let count = try systemCall("\(title) cannot be read") {
        pread(descriptor, buffer.baseAddress.map { $0 + filled }, wanted - filled, (start ?? 0) + offset + filled)
      }
      if count == 0 { break }
      filled += count
    }
    return filled
  }

  /// Passes the file to `body` in pieces, from front to back.
  package func forEachPiece(of count: Int = 1 << 18, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    defer { buffer.deallocate() }
    var offset = 0
    while true {
      let count = try read(into: buffer, at: offset)
      if count == 0 { return }
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      offset += count
    }
  }

  /// The SHA-256 of the whole file in hexadecimal.
  package func sha256() throws -> String {
    let digest = SHA256Digest()
    try forEachPiece { digest.update($0) }
    return digest.finishHex()
  }
}

/// The place of a file and the times of its last changes. Writing to the file or replacing it changes its identity.
package struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let inode: UInt64
  private let size: Int64
  /// In nanoseconds: the last change of the content, and the last change of anything about the file.
  private let modified: Int64
  private let changed: Int64

  /// The time of the last change of the content, in milliseconds since 1970.
  package var modifiedMilliseconds: Int64 { modified / 1_000_000 }

  package init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
  }
}
