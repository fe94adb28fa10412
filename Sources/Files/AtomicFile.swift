import Foundation
import Glibc

/// Writes a file so that its name has either the old content or all of the new one, whenever the machine stops: under a temporary
/// name, synced, renamed, the folder synced.
package enum AtomicFile {
  /// - Parameter body: hands over the file piece by piece, so that it need not be in memory a second time.
  /// - Returns: the number of bytes and the SHA-256 in hexadecimal.
  /// - Throws: `StorageError`, and what `body` throws. Nothing is left then.
  @discardableResult
  package static func write(to url: URL, _ body: (NewFile) throws -> Void) throws -> (bytes: Int, sha256: String) {
    let temporary = url.deletingLastPathComponent().appendingPathComponent("." + url.lastPathComponent + ".new")
    // What a process left that was killed while it wrote.
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
}
