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
  private let heartbeat: Heartbeat
  /// What must stay what it is while the database is open.
  private let expected = Mutex<[PresentFile]>([])

  static let folders = ["files", "jobs", "incoming"]

  /// Makes the folder where it is missing and takes its lock.
  ///
  /// - Parameters:
  ///   - reserveBytes: the bytes of the disk that stay free; `nil`: 2 % of it, at most 512 MiB.
  ///   - machine: what tells this machine from others that may reach the folder.
  ///   - report: told of each thing that is set aside, by its name and the reason.
  ///   - notice: told, in a clause, why opening takes a while.
  /// - Throws: `DataDirectoryError`.
  package init(
    _ root: URL, reserveBytes: Int? = nil, machine: Heartbeat.Machine = .this,
    report: @escaping @Sendable (_ name: String, _ reason: String) -> Void = { _, _ in }, notice: (String) -> Void = { _ in }
  ) throws {
    self.root = root
    try Self.requireFolder(root)
    try DatabaseFiles.requireNoStranger(root)
    try Self.refuseStrangers(root)
    do {
      try Folder.makeWithParents(root)
      lock = try OpenFolderLock(root)
      heartbeat = try Heartbeat(root, machine, notice: notice)
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
    heartbeat.end()
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

  // MARK: Presence

  /// From now on the database and its log are expected to stay the files that they are: one that was removed or replaced would take what is
  /// written to it into nothing.
  func expectDatabase() {
    let files = ["", "-wal"].compactMap { PresentFile(URL(fileURLWithPath: database.path + $0)) }
    expected.withLock { $0 = files }
  }

  /// Whether the folder, its files and the database are still those that were opened: not removed, renamed, replaced, or covered by a mount.
  var isThere: Bool { missing == nil }

  private var missing: String? {
    if !lock.isThere { return "the data directory has gone from under the service" }
    if !heartbeat.isOwn { return "a service on another machine has taken the data directory" }
    if !files.isThere { return "the folder of the files has gone from under the service" }
    return expected.withLock { $0.contains { !$0.isThere } } ? "the database was removed or replaced under the service" : nil
  }

  /// - Throws: `StorageError` when the folder, its files or the database is no longer there.
  func requirePresence() throws(StorageError) {
    if let missing { throw StorageError(saying: missing, errno: ENOENT) }
  }

  /// Makes again what was removed of the folders that a job writes to; not the folder of the files, whose content would be missed.
  ///
  /// - Returns: whether anything was missing.
  func makeFolders(for id: String) throws(StorageError) -> Bool {
    let folders = ["jobs", "incoming"].map { root.appendingPathComponent($0, isDirectory: true) } + [job(id)]
    let missing = folders.filter { access($0.path, F_OK) != 0 }
    for folder in missing { try Folder.make(folder) }
    return !missing.isEmpty
  }

  // MARK: What nobody names

  /// Removes what the process before this one left half written, and sets aside what of our own form the database does not name.
  ///
  /// - Returns: how many folders of jobs and files stay although the database does not name them.
  func sweep(jobs: Set<String>, files named: Set<String>) throws -> Int {
    for name in Folder.names(in: root.appendingPathComponent("incoming")) where name.hasPrefix("upload-") || name.hasPrefix("new-") {
      // Nobody was told that it is there: its upload had not ended.
      Folder.remove(root.appendingPathComponent("incoming/\(name)"))
    }
    let unknown = jobFolders.filter { !jobs.contains($0) }
    let unnamed = files.all().filter { !named.contains($0) }
    if keepsUnnamed { return unknown.count + unnamed.count }
    for name in unknown { try lost.take(job(name), because: "the database knows no such job") }
    for sha256 in unnamed { try files.setAside(sha256, because: "the database names no such file") }
    return 0
  }

  /// The names of the folders that are of jobs.
  var jobFolders: [String] { Folder.names(in: root.appendingPathComponent("jobs")).filter(Identifier.job.matches) }

  /// The name of the note that a repair lost records: what no record names may be what they named.
  static let noteOfLoss = "records-were-lost.txt"
  private var noteOfLoss: URL { root.appendingPathComponent(Self.noteOfLoss) }

  /// Whether what no record names stays where it is.
  var keepsUnnamed: Bool { access(noteOfLoss.path, F_OK) == 0 }

  func keepUnnamed() throws {
    let text = """
      A repair of the database lost records. As long as this file is here, files and folders of jobs that no record names stay where they
      are, since the lost records may have named them. Remove this file when they are of no use: the next start then moves them into
      lost+found.

      """
    try AtomicFile.write(Data(text.utf8), to: noteOfLoss)
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

/// A folder for the parts of an upload; it goes when the upload does.
package final class Upload: Sendable {
  package let folder: URL

  init(folder: URL) { self.folder = folder }

  /// Where a part is to be written; parts are named by the format, never by the client.
  ///
  /// - Parameter number: of the file among those of the part.
  package func file(_ part: String, _ number: Int = 0) -> URL { folder.appendingPathComponent(number == 0 ? part : "\(part).\(number)") }

  package func discard() { Folder.remove(folder) }

  deinit { discard() }
}
