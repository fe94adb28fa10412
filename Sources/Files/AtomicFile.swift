import Foundation
import Glibc

/// Writes a file so that its name has either the old content or all of the new, even when the machine stops: the content goes to a
/// temporary name and to the disk, the file is renamed, and the folder goes to the disk.
package enum AtomicFile {
  /// - Parameter body: writes the file piece by piece, so that it need not be in memory twice.
  /// - Returns: the number of bytes and the SHA-256 in hexadecimal.
  /// - Throws: `StorageError`, and errors of `body`. The old content stays then.
  @discardableResult
  package static func write(to url: URL, _ body: (NewFile) throws -> Void) throws -> (bytes: Int, sha256: String) {
    let temporary = temporary(url)
    // A process that was killed while it wrote may have left one.
    unlink(temporary.path)
    let file = try NewFile(temporary, title: url.lastPathComponent)
    try body(file)
    let sha256 = file.sha256
    try file.move(to: url)
    return (file.bytes, sha256)
  }

  @discardableResult
  package static func write(_ data: some ContiguousBytes, to url: URL) throws -> (bytes: Int, sha256: String) {
    try write(to: url) { try $0.append(data) }
  }

  /// Renames a file that was written whole elsewhere on the same disk; both its content and its new name are on the disk afterwards.
  package static func move(_ file: OpenFile, at url: URL, to target: URL) throws(StorageError) {
    try systemCall("\(file.title) cannot be synced to the disk") { fsync(file.descriptor) }
    try Folder.rename(url, to: target, file.title)
    try Folder.sync(target.deletingLastPathComponent())
  }

  /// Removes a file, and what a killed process left of a new one.
  package static func remove(_ url: URL) {
    Folder.remove(url)
    Folder.remove(temporary(url))
  }

  private static func temporary(_ url: URL) -> URL {
    url.deletingLastPathComponent().appendingPathComponent(".\(url.lastPathComponent).new")
  }
}
