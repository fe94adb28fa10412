import Files
import Foundation
import Glibc

/// Whether the service may still use its own folders: a disk may be mounted read-only under it, rights may be taken away, and a file may
/// come into the place of a folder.
extension DataDirectory {
  /// What keeps the service from its folders now; `nil` for nothing.
  ///
  /// - Parameter job: a job whose files are in the way or not: its own folder is looked at too, and those that its files go to.
  func obstacle(for job: String? = nil) -> StorageError? {
    do throws(StorageError) {
      try requireAccess(for: job)
      return nil
    } catch {
      return error
    }
  }

  /// - Throws: `StorageError` that says what is in the way.
  package func requireAccess(for job: String? = nil) throws(StorageError) {
    try requirePresence()
    let disk = try Self.usableFolder(root)
    let own = Self.folders.map { root.appendingPathComponent($0, isDirectory: true) } + [lost.folder]
    for folder in own {
      guard let found = try Self.usableFolder(folder), found != disk else { continue }
      throw StorageError("the folder \(folder.lastPathComponent) cannot be used", errno: EXDEV)
    }
    try requireOneMount()
    guard let job else { return }
    for folder in [self.job(job)] + files.folders { _ = try Self.usableFolder(folder) }
  }

  /// A mount between two folders keeps files from being renamed, also where both are on one disk. The system looks for that before it
  /// looks for the file.
  private func requireOneMount() throws(StorageError) {
    let nothing = files.newURL()
    let target = root.appendingPathComponent("files/\(nothing.lastPathComponent)")
    guard rename(nothing.path, target.path) != 0, [EXDEV, EROFS].contains(errno) else { return }
    throw StorageError("no file can be put into the folder files", errno: errno)
  }

  /// - Returns: the disk of the folder; `nil` when there is none: it can be made again.
  private static func usableFolder(_ url: URL) throws(StorageError) -> dev_t? {
    let path = url.path
    func refusal(_ code: Int32) -> StorageError { StorageError("the folder \(url.lastPathComponent) cannot be used", errno: code) }
    var status = stat()
    guard stat(path, &status) == 0 else {
      let code = errno
      guard code == ENOENT else { throw refusal(code) }
      // A link that leads nowhere is in the place of the folder.
      guard lstat(path, &status) != 0 else { throw refusal(ENOTDIR) }
      return nil
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw refusal(ENOTDIR) }
    guard access(path, R_OK | W_OK | X_OK) == 0 else { throw refusal(errno) }
    return status.st_dev
  }
}
