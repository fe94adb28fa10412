import Files
import Foundation
import Glibc

/// Another run writes its results into the folder.
package struct FolderInUse: Error, Hashable, Sendable, CustomStringConvertible {
  package let folder: String

  package var description: String { "another run is writing its results to \(folder); wait for it, or name another folder with --out" }
}

/// The lock of the folder that a run leaves its results in: on the folder itself, so that no file of it is left there.
final class RunFolderLock: Sendable {
  private let descriptor: Int32

  /// Makes the folder where it is missing.
  ///
  /// - Throws: `FolderInUse`, `StorageError`.
  init(_ folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let path = folder.path
    descriptor = try systemCall("the folder of the results cannot be opened") { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
      close(descriptor)
      throw FolderInUse(folder: folder.relativePath)
    }
  }

  deinit { close(descriptor) }

  /// At the latest when this object goes.
  func release() { flock(descriptor, LOCK_UN) }
}
