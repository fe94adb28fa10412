import Files
import Foundation

/// Where a run leaves the files of its checkpoints, and finds them again.
package protocol CheckpointStorage: Sendable {
  /// Writes the checkpoint of a role; when this returns, it is on the disk.
  ///
  /// - Parameter body: hands over the file piece by piece; called once.
  /// - Returns: the number of bytes and the SHA-256 in hexadecimal.
  /// - Throws: `StorageError`, and what `body` throws. What was there before is still there then.
  func write(_ role: CheckpointRole, _ body: (NewFile) throws -> Void) throws -> (bytes: Int, sha256: String)

  /// Opens a checkpoint that is what its digest says.
  ///
  /// - Throws: `DamagedFile` when it is not; `StorageError` when the system cannot say.
  func open(_ checkpoint: Checkpoint) throws -> OpenFile
}

/// Checkpoints as files of a folder that are named for their roles: a better one takes the place of the one before it.
package struct CheckpointFolder: CheckpointStorage {
  private let directory: URL

  /// - Parameter directory: of the run; the files go to its folder `checkpoints`.
  package init(_ directory: URL) { self.directory = directory }

  package func write(_ role: CheckpointRole, _ body: (NewFile) throws -> Void) throws -> (bytes: Int, sha256: String) {
    try Folder.make(Checkpoint.folder(in: directory))
    return try AtomicFile.write(to: Checkpoint.url(of: role, in: directory), body)
  }

  package func open(_ checkpoint: Checkpoint) throws -> OpenFile {
    let file: OpenFile
    do {
      file = try OpenFile(checkpoint.url(in: directory))
    } catch {
      guard error.code == ENOENT else { throw error }
      throw DamagedFile(checkpoint.sha256, "is missing")
    }
    guard file.size == checkpoint.bytes, try file.sha256() == checkpoint.sha256 else {
      throw DamagedFile(checkpoint.sha256, "has another content")
    }
    return file
  }
}
