import Foundation
import Glibc
import Synchronization

/// The folder for damaged files and for files that no record names. Nothing unknown in the data folder is deleted at once.
package final class LostAndFound: Sendable {
  package let folder: URL
  /// Called with the name and the reason for each file that is moved here, for the log.
  private let report: @Sendable (_ name: String, _ reason: String) -> Void

  package init(_ folder: URL, report: @escaping @Sendable (_ name: String, _ reason: String) -> Void) {
    self.folder = folder
    self.report = report
  }

  /// Moves a file or folder here.
  ///
  /// - Returns: its new name: the old one with the time.
  @discardableResult package func take(_ url: URL, because reason: String) throws(StorageError) -> String {
    try Folder.make(folder)
    let (name, target) = (url.lastPathComponent, free(url.lastPathComponent))
    try Folder.rename(url, to: target, name)
    try Folder.sync(folder)
    try Folder.sync(url.deletingLastPathComponent())
    report(name, reason)
    return target.lastPathComponent
  }

  /// Gives a file a second name here, or makes a copy where the file system has no links. It stays where it is.
  package func keep(_ url: URL, because reason: String) throws {
    try Folder.make(folder)
    let name = url.lastPathComponent
    guard link(url.path, free(name).path) == 0 else { return try copy(url, because: reason) }
    try Folder.sync(folder)
    report(name, reason)
  }

  /// Copies a file here.
  package func copy(_ url: URL, because reason: String) throws {
    try Folder.make(folder)
    let name = url.lastPathComponent
    let source = try OpenFile(url)
    let copy = try NewFile(free(name), title: name)
    try source.forEachPiece { try copy.append($0) }
    try copy.sync()
    copy.keep()
    try Folder.sync(folder)
    report(name, reason)
  }

  /// Removes everything that has been here for longer than `seconds`.
  ///
  /// - Returns: the names that were removed.
  package func clear(olderThan seconds: Double) -> [String] {
    let now = time(nil)
    return Folder.names(in: folder).filter { name in
      let url = folder.appendingPathComponent(name)
      var status = stat()
      // A rename sets the time of the last status change (ctime), not that of the content (mtime).
      guard lstat(url.path, &status) == 0, Double(now - status.st_ctim.tv_sec) > seconds else { return false }
      Folder.remove(url)
      return true
    }
  }

  private func free(_ name: String) -> URL {
    let base = "\(name).\(time(nil))"
    var (target, number) = (folder.appendingPathComponent(base), 1)
    while access(target.path, F_OK) == 0 {
      target = folder.appendingPathComponent("\(base).\(number)")
      number += 1
    }
    return target
  }
}
