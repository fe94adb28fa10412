import Foundation
import Glibc

/// A file that is being written, and the digest of its content so far. It is removed with this value unless `keep` or `move` was called.
///
/// Not for several threads at once. After a failure, above all of a sync, do not try again with this value; write a new file.
package final class NewFile {
  package let url: URL
  package private(set) var bytes = 0
  private let descriptor: Int32
  private let digest = SHA256Digest()
  private let title: String
  private var isKept = false

  /// Creates the file, which must not exist.
  ///
  /// - Parameter title: the name of the file in errors; nil for its file name.
  package init(_ url: URL, title: String? = nil) throws(StorageError) {
    self.url = url
    self.title = title ?? url.lastPathComponent
    let (path, name) = (url.path, self.title)
    descriptor = try systemCall("\(name) cannot be made") { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644) }
  }

  deinit {
    close(descriptor)
    if !isKept { unlink(url.path) }
  }

  package func append(_ piece: UnsafeRawBufferPointer) throws(StorageError) {
    digest.update(piece)
    var written = 0
    while written < piece.count {
      let count = try systemCall("\(title) cannot be written") {
        write(descriptor, piece.baseAddress.map { $0 + written }, piece.count - written)
      }
      guard count > 0 else { throw StorageError("\(title) cannot be written", errno: ENOSPC) }
      written += count
    }
    bytes += piece.count
  }

  /// `[UInt8]`, `Data`, a slice of either.
  package func append(_ piece: some ContiguousBytes) throws {
    try piece.withUnsafeBytes { try append($0) }
  }

  /// The SHA-256 of the content so far, in hexadecimal.
  package var sha256: String { digest.hexSoFar() }

  /// Syncs the content to the disk. The name is durable only after its folder is synced too.
  package func sync() throws(StorageError) { try systemCall("\(title) cannot be synced to the disk") { fsync(descriptor) } }

  /// Keeps the file when this value goes.
  package func keep() { isKept = true }

  /// Syncs the content, renames the file to `target`, and syncs the folder.
  package func move(to target: URL) throws(StorageError) {
    try sync()
    try Folder.rename(url, to: target, title)
    isKept = true
    try Folder.sync(target.deletingLastPathComponent())
  }
}
