import Files
import Foundation
import Glibc

/// Why the data directory cannot be used. For whoever starts the process: it names the path.
package struct DataDirectoryError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
}

/// The folder of everything that outlives the process; one process owns it.
///
/// A file comes into being under a temporary name in `incoming`, is synced, renamed to where it belongs, and then named in the
/// database. Whatever the database does not name at the next start was cut off, and is removed.
package final class DataDirectory: Sendable {
  package let root: URL
  /// Held open: the lock goes with the process, however it ends.
  private let lock: Int32

  /// Makes the folder where it is missing and takes its lock.
  ///
  /// - Throws: `DataDirectoryError`.
  package init(_ root: URL) throws {
    self.root = root
    do {
      for folder in ["datasets", "models", "jobs", "incoming"] {
        try FileManager.default.createDirectory(at: root.appendingPathComponent(folder), withIntermediateDirectories: true)
      }
    } catch {
      throw DataDirectoryError(description: "the data directory \(root.path) cannot be made: \(error.localizedDescription)")
    }
    let path = root.appendingPathComponent("lock").path
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw DataDirectoryError(description: "the data directory \(root.path) cannot be written to: \(String(cString: strerror(errno)))")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw DataDirectoryError(
        description: "another process is using the data directory \(root.path); stop it, or name another directory with --data")
    }
    lock = descriptor
  }

  deinit { close(lock) }

  /// Lets another process have the folder, whoever still holds this object.
  func release() { flock(lock, LOCK_UN) }

  package var database: URL { root.appendingPathComponent("temper.sqlite") }
  package func job(_ id: String) -> URL { root.appendingPathComponent("jobs/\(id)", isDirectory: true) }
  package func report(of id: String) -> URL { job(id).appendingPathComponent("report.json") }
  package func dataset(_ id: String) -> URL { root.appendingPathComponent("datasets/\(id)", isDirectory: true) }
  package var incoming: URL { root.appendingPathComponent("incoming", isDirectory: true) }
  package func model(_ id: String) -> URL { root.appendingPathComponent("models/\(id).safetensors") }

  /// A new folder for the parts of an upload.
  package func upload() throws -> Upload {
    let folder = root.appendingPathComponent("incoming/\(UUID().uuidString)", isDirectory: true)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return Upload(folder: folder)
  }

  /// Removes a file or folder; one that is not there is no error.
  package func remove(_ url: URL) { try? FileManager.default.removeItem(at: url) }

  /// Removes what uploads left that were cut off, and every file that `named` does not know.
  func removeOrphans(datasets: Set<String>, models: Set<String>, jobs: Set<String>) {
    func sweep(_ folder: String, _ known: Set<String>) {
      let url = root.appendingPathComponent(folder)
      for name in (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? [] {
        let id = name.split(separator: ".").first.map(String.init) ?? name
        if !known.contains(id) { remove(url.appendingPathComponent(name)) }
      }
    }
    sweep("incoming", [])
    sweep("datasets", datasets)
    sweep("models", models)
    sweep("jobs", jobs)
  }

  /// Renames `url` to `target`, both durably: the content is on the disk before the name is.
  func adopt(_ url: URL, as target: URL) throws {
    try Self.sync(url)
    let (from, to) = (url.path, target.path)
    try systemCall("a file cannot be put into its place") { rename(from, to) }
    try Folder.sync(target.deletingLastPathComponent())
  }

  static func sync(_ url: URL) throws {
    let path = url.path
    let descriptor = try systemCall("a file cannot be opened") { open(path, O_RDONLY | O_CLOEXEC) }
    defer { close(descriptor) }
    try systemCall("a file cannot be synced to the disk") { fsync(descriptor) }
  }
}

/// A folder for the parts of an upload; it goes when the upload does, unless it was taken over.
package final class Upload: Sendable {
  package let folder: URL

  init(folder: URL) { self.folder = folder }

  /// Where a part is to be written; parts are named by the format, never by the client.
  package func file(_ part: String) -> URL { folder.appendingPathComponent(part) }

  package func discard() { try? FileManager.default.removeItem(at: folder) }

  deinit { discard() }
}
