import Files
import Foundation

/// A backup as a file.
package struct BackupArchive {
  package let manifest: BackupManifest
  private let url: URL
  private let title: String

  /// Reads the manifest, which comes first.
  ///
  /// - Throws: `BackupError`, `StorageError`.
  package init(_ url: URL) throws {
    self.url = url
    title = url.lastPathComponent
    let archive = try Self.opened(url)
    guard let entry = try Self.explained(title, { try archive.nextEntry() }), entry.name == BackupManifest.entry else {
      throw BackupError("\(title) is no backup of Temper's: it does not begin with \(BackupManifest.entry)")
    }
    var text: [UInt8] = []
    try Self.explained(title) { try archive.forEachPiece { text += $0 } }
    manifest = try BackupManifest(reading: text, of: title)
  }

  private static func opened(_ url: URL) throws -> TarArchive {
    let file = try OpenFile(url)
    return try explained(url.lastPathComponent) { try TarArchive(file) }
  }

  private static func explained<Value>(_ title: String, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as ArchiveError { throw BackupError("\(title): \(error)") }
  }

  /// Passes each file that the archive holds to `body`, in order, with a way to its content.
  ///
  /// - Throws: `BackupError` when the archive was cut off, or holds something else than its manifest says; errors of `body`.
  func forEachFile(
    _ body: (BackupManifest.File, _ content: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws -> Void
  ) throws {
    var expected = manifest.included[...]
    let archive = try Self.opened(url)
    while let entry = try Self.explained(title, { try archive.nextEntry() }) {
      if entry.name == BackupManifest.entry { continue }
      guard let next = expected.popFirst(), entry.name == next.path, entry.bytes == next.bytes else {
        throw BackupError("\(title) holds \(entry.name), which its \(BackupManifest.entry) does not say; it was changed")
      }
      try body(next) { take in try Self.explained(title) { try archive.forEachPiece(take) } }
    }
    if let missing = expected.first { throw BackupError("\(title) was cut off: it lacks \(missing.path) and what follows") }
    guard try archive.hasEnd else { throw BackupError("\(title) was cut off at its end") }
  }

  /// Reads everything and compares it with its digests.
  ///
  /// - Throws: `BackupError` that names the first file that is not whole.
  package func verify() throws {
    try forEachFile { file, content in
      let digest = SHA256Digest()
      try content { digest.update($0) }
      guard digest.finishHex() == file.sha256 else { throw damage(of: file) }
    }
  }

  func damage(of file: BackupManifest.File) -> BackupError {
    BackupError("\(title) is damaged: its \(file.path) does not have the SHA-256 \(file.sha256)")
  }
}
