import Files
import Foundation
import GRDB
import Glibc
import Synchronization

/// Why the data directory cannot be used. For whoever starts the process: it names the path.
package struct DataDirectoryError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
}

/// The folder of everything that outlives the process; one process owns it.
///
/// `temper.sqlite` names everything; `files` holds each file under its digest; `jobs/ID` what a run needs to go on; `incoming` what is
/// under way; `lost+found` what the database does not name, or what is damaged. Nothing is deleted for being unknown, and a folder that
/// is not Temper's is left as it is.
package final class DataDirectory: Sendable {
  package let root: URL
  package let files: FileStore
  package let lost: LostAndFound
  package let space: DiskSpace
  /// Held open: the lock goes with the process, however it ends.
  private let lock: OpenFolderLock
  /// What must stay what it is while the database is open.
  private let expected = Mutex<[PresentFile]>([])

  private static let folders = ["files", "jobs", "incoming"]

  /// Makes the folder where it is missing and takes its lock.
  ///
  /// - Parameters:
  ///   - reserveBytes: the bytes of the disk that stay free; `nil`: 2 % of it, at most 512 MiB.
  ///   - report: told of each thing that is set aside, by its name and the reason.
  /// - Throws: `DataDirectoryError`.
  package init(
    _ root: URL, reserveBytes: Int? = nil, report: @escaping @Sendable (_ name: String, _ reason: String) -> Void = { _, _ in }
  ) throws {
    self.root = root
    try Self.requireFolder(root)
    try Self.refuseStrangers(root)
    do {
      try Folder.makeWithParents(root)
      lock = try OpenFolderLock(root)
      for folder in Self.folders { try Folder.make(root.appendingPathComponent(folder, isDirectory: true)) }
      try Self.requireOneDisk(root)
    } catch let error as StorageError {
      throw DataDirectoryError(description: "the data directory \(root.path) cannot be used: \(error)")
    }
    lost = LostAndFound(root.appendingPathComponent("lost+found", isDirectory: true), report: report)
    files = FileStore(
      root.appendingPathComponent("files", isDirectory: true), incoming: root.appendingPathComponent("incoming", isDirectory: true),
      lost: lost)
    space = DiskSpace(root, reserveBytes: reserveBytes)
  }

  /// Lets another process have the folder, whoever still holds this object.
  func release() {
    expected.withLock { $0 = [] }
    lock.release()
  }

  package var database: URL { root.appendingPathComponent("temper.sqlite") }
  package func job(_ id: String) -> URL { root.appendingPathComponent("jobs/\(id)", isDirectory: true) }

  /// A new folder for the parts of an upload.
  package func upload() throws(StorageError) -> Upload {
    let folder = root.appendingPathComponent("incoming/upload-\(UUID().uuidString)", isDirectory: true)
    try Folder.make(folder)
    return Upload(folder: folder)
  }

  // MARK: Whose folder it is

  private static func requireFolder(_ root: URL) throws {
    var status = stat()
    guard stat(root.path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else { return }
    throw DataDirectoryError(description: "\(root.path) is a file and no folder; name a folder for the data with --data")
  }

  /// Files are made in `incoming` and then renamed, which works on one disk alone.
  private static func requireOneDisk(_ root: URL) throws {
    func disk(_ path: String) -> dev_t? {
      var status = stat()
      return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR ? status.st_dev : nil
    }
    let own = disk(root.path)
    for folder in folders where disk(root.appendingPathComponent(folder).path) != own {
      throw DataDirectoryError(
        description: """
          \(root.appendingPathComponent(folder).path) is no folder, or lies on another disk than \(root.path): files could not be renamed \
          into it; put the whole data directory on one disk
          """)
    }
  }

  /// A folder without a database is taken only when it is empty, or when Temper was cut off while it made it.
  private static func refuseStrangers(_ root: URL) throws {
    // After a power cut all of a young database may still be in its log.
    let hasDatabase = ["temper.sqlite", "temper.sqlite-wal"].contains { ((try? OpenFile(root.appendingPathComponent($0)))?.size ?? 0) > 0 }
    if hasDatabase, try !isEmptyDatabase(root) { return }
    let own = ["files", "jobs", "incoming", "lost+found", "lock"] + ["", "-wal", "-shm", "-journal"].map { "temper.sqlite\($0)" }
    let hasJobs = Folder.names(in: root.appendingPathComponent("jobs")).contains(where: Identifier.job.matches)
    let folders = ["files", "jobs", "incoming"].filter { holdsFiles(root.appendingPathComponent($0)) || $0 == "jobs" && hasJobs }
    let strangers = Folder.names(in: root).filter { !own.contains($0) }
    if strangers.isEmpty, folders.isEmpty { return }
    guard strangers.isEmpty else {
      throw DataDirectoryError(
        description: """
          the folder \(root.path) is not empty and holds no Temper database (\(strangers.prefix(3).joined(separator: ", ")) is there); \
          nothing in it was touched: name an empty or a new folder with --data
          """)
    }
    throw DataDirectoryError(
      description: """
        the data directory \(root.path) has something in \(folders.joined(separator: " and ")), but its database temper.sqlite is \
        missing or empty; nothing was touched: put the database back, or name an empty or a new folder with --data
        """)
  }

  /// Whether the database has no table yet. One that is not Temper's is not touched, not even by opening it for writing.
  private static func isEmptyDatabase(_ root: URL) throws -> Bool {
    var configuration = Configuration()
    configuration.readonly = true
    let path = root.appendingPathComponent("temper.sqlite").path
    let found = try? DatabaseQueue(path: path, configuration: configuration).read { db in
      (isEmpty: try Schema.columns(db).isEmpty, isOwn: try Schema.isOwn(db))
    }
    // What cannot be read is a damaged one, where Temper's folders are beside it.
    guard found.map({ $0.isEmpty || $0.isOwn }) ?? holdsFolders(root) else {
      throw DataDirectoryError(
        description: """
          the folder \(root.path) holds a temper.sqlite that is no database of Temper's; nothing in it was touched: name an empty or \
          a new folder with --data
          """)
    }
    return found?.isEmpty == true
  }

  private static func holdsFolders(_ root: URL) -> Bool {
    ["files", "jobs", "incoming"].allSatisfy { FileManager.default.fileExists(atPath: root.appendingPathComponent($0).path) }
  }

  private static func holdsFiles(_ folder: URL) -> Bool {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder) else { return false }
    guard isFolder.boolValue else { return true }
    return Folder.names(in: folder).contains { holdsFiles(folder.appendingPathComponent($0)) }
  }

  /// From now on the database and its log are expected to stay the files that they are: one that was removed or replaced would take what is
  /// written to it into nothing.
  func expectDatabase() {
    let files = ["", "-wal"].compactMap { PresentFile(URL(fileURLWithPath: database.path + $0)) }
    expected.withLock { $0 = files }
  }

  /// Whether the folder and the database are still those that were opened: not removed, renamed, replaced, or covered by a mount.
  var isThere: Bool { missing == nil }

  private var missing: String? {
    if !lock.isThere { return "the data directory has gone from under the service" }
    return expected.withLock { $0.contains { !$0.isThere } } ? "the database was removed or replaced under the service" : nil
  }

  /// - Throws: `StorageError` when the folder or the database is no longer there.
  func requirePresence() throws(StorageError) {
    if let missing { throw StorageError(missing, errno: ENOENT) }
  }

  /// Makes again what was removed of the folders that a job writes to.
  ///
  /// - Returns: whether anything was missing.
  func makeFolders(for id: String) throws(StorageError) -> Bool {
    let folders = Self.folders.map { root.appendingPathComponent($0, isDirectory: true) } + [job(id)]
    let missing = folders.filter { access($0.path, F_OK) != 0 }
    for folder in missing { try Folder.make(folder) }
    return !missing.isEmpty
  }

  // MARK: What nobody names

  /// Removes what the process before this one left half written, and sets aside what of our own form the database does not name.
  func sweep(jobs: Set<String>, files named: Set<String>) throws {
    for name in Folder.names(in: root.appendingPathComponent("incoming")) where name.hasPrefix("upload-") || name.hasPrefix("new-") {
      // Nobody was told that it is there: its upload had not ended.
      Folder.remove(root.appendingPathComponent("incoming/\(name)"))
    }
    for name in Folder.names(in: root.appendingPathComponent("jobs")) where Identifier.job.matches(name) && !jobs.contains(name) {
      try lost.take(job(name), because: "the database knows no such job")
    }
    for sha256 in files.all() where !named.contains(sha256) {
      try files.setAside(sha256, because: "the database names no such file")
    }
  }
}

/// The lock of a data folder, and whether the folder is still the one that was locked.
private final class OpenFolderLock: Sendable {
  private let file: PresentFile?
  private let descriptor: Int32

  init(_ folder: URL) throws {
    let url = folder.appendingPathComponent("lock")
    let path = url.path
    descriptor = try systemCall("the lock cannot be opened") { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
    file = PresentFile(url)
    // A process that was killed a moment ago may still hold it.
    var patience = 20
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      if patience > 0 {
        patience -= 1
        usleep(50_000)
        continue
      }
      close(descriptor)
      throw DataDirectoryError(
        description: "another process is using the data directory \(folder.path); stop it, or name another directory with --data")
    }
  }

  deinit { close(descriptor) }

  func release() { flock(descriptor, LOCK_UN) }

  var isThere: Bool { file?.isThere == true }
}

/// A file and its place: whether the one is still at the other.
private struct PresentFile: Sendable {
  private let path: String
  private let device: dev_t
  private let inode: ino_t

  /// `nil` when there is none.
  init?(_ url: URL) {
    var status = stat()
    guard stat(url.path, &status) == 0 else { return nil }
    (path, device, inode) = (url.path, status.st_dev, status.st_ino)
  }

  var isThere: Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_dev == device && status.st_ino == inode
  }
}

/// A folder for the parts of an upload; it goes when the upload does.
package final class Upload: Sendable {
  package let folder: URL

  init(folder: URL) { self.folder = folder }

  /// Where a part is to be written; parts are named by the format, never by the client.
  package func file(_ part: String) -> URL { folder.appendingPathComponent(part) }

  package func discard() { Folder.remove(folder) }

  deinit { discard() }
}
