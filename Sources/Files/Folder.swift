import Foundation
import Glibc

/// Operations on folders. Changes are on the disk when a call returns.
package enum Folder {
  /// Makes a folder and its parents, each synced.
  package static func makeWithParents(_ url: URL) throws(StorageError) {
    let parent = url.deletingLastPathComponent()
    if parent.path != url.path, access(parent.path, F_OK) != 0 { try makeWithParents(parent) }
    try make(url)
  }

  /// Makes a folder in one that is there. Parents are never made: they may have been moved away under the service, and will be moved back.
  package static func make(_ url: URL) throws(StorageError) {
    let path = url.path
    if access(path, F_OK) == 0 { return }
    let parent = url.deletingLastPathComponent()
    do throws(StorageError) {
      try systemCall("the folder \(url.lastPathComponent) cannot be made") { mkdir(path, 0o755) }
    } catch  where error.code == EEXIST {
      return
    }
    try sync(parent)
  }

  /// Syncs the names in a folder to the disk.
  package static func sync(_ url: URL) throws(StorageError) {
    let (path, title) = (url.path, url.lastPathComponent)
    let descriptor = try systemCall("the folder \(title) cannot be opened") { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    defer { close(descriptor) }
    try systemCall("the folder \(title) cannot be synced to the disk") { fsync(descriptor) }
  }

  /// The names in a folder, sorted; empty when there is no such folder.
  package static func names(in url: URL) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
  }

  /// Renames a file or folder, replacing one that has the new name. It does not sync the folders.
  static func rename(_ url: URL, to target: URL, _ title: String) throws(StorageError) {
    let (from, to) = (url.path, target.path)
    try systemCall("\(title) cannot be put into its place") { Glibc.rename(from, to) }
  }

  /// Removes a file, or a folder with its content. It is not an error if there is none.
  package static func remove(_ url: URL) { try? FileManager.default.removeItem(at: url) }
}
