import Files
import Foundation
import Logging

/// Makes a data folder of a backup.
///
/// Everything is compared with its digest while it is written; the database takes its name last, so that a folder that was not restored to
/// the end is none that a service would start on.
package struct Restoration {
  /// What the folder holds now.
  package let jobs: Int
  package let files: Int
  package let bytes: Int
  /// Files that the service had lost before the backup was made: their resources answer 410.
  package let damaged: [BackupManifest.Lost]

  /// - Parameters:
  ///   - archive: the backup to restore.
  ///   - earlier: those that have what it leaves out.
  ///   - root: an empty folder, or none.
  /// - Throws: `BackupError`, `DataDirectoryError`; the folder is as it was then.
  package init(_ archive: URL, earlier: [URL] = [], to root: URL, logger: Logger = Logger(label: "temper.restore")) throws {
    let archives = try ([archive] + earlier).map(BackupArchive.init)
    let manifest = archives[0].manifest
    try Self.requireAll(manifest, in: archives)
    let wasThere = try Self.requireEmpty(root)
    do {
      try Self.extract(manifest, from: archives, to: root)
      try Self.check(root)
      try Store(DataDirectory(root), logger: logger).close()
    } catch {
      Self.clear(root, keepingFolder: wasThere)
      if let error = error as? StorageError { throw BackupError("the backup could not be restored: \(error)") }
      throw error
    }
    jobs = manifest.jobs
    files = manifest.files.count
    bytes = manifest.files.reduce(0) { $0 + $1.bytes }
    damaged = manifest.damaged
  }

  /// What one leaves out, another must have.
  private static func requireAll(_ manifest: BackupManifest, in archives: [BackupArchive]) throws {
    let held = Set(archives.flatMap(\.manifest.included).map(\.sha256))
    let missing = manifest.files.filter { !held.contains($0.sha256) }
    guard let first = missing.first else { return }
    throw BackupError(
      """
      the backup leaves out \(missing.count) files that an earlier one has, \(first.path) for one: give that one with --since, and those before \
      it that it was made with
      """)
  }

  /// - Returns: whether there is such a folder.
  private static func requireEmpty(_ root: URL) throws -> Bool {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: root.path, isDirectory: &isFolder) else { return false }
    guard isFolder.boolValue else { throw BackupError("\(root.path) is a file; name a folder with --data") }
    guard let name = Folder.names(in: root).first else { return true }
    throw BackupError("the folder \(root.path) is not empty (in it: \(name)); a backup is restored into an empty or a new folder")
  }

  private static func clear(_ root: URL, keepingFolder: Bool) {
    guard keepingFolder else { return Folder.remove(root) }
    for name in Folder.names(in: root) { Folder.remove(root.appendingPathComponent(name)) }
  }

  // MARK: Writing

  private static func extract(_ manifest: BackupManifest, from archives: [BackupArchive], to root: URL) throws {
    let directory = try DataDirectory(root)
    defer { directory.release() }
    var wanted = Dictionary(grouping: manifest.files, by: \.sha256)
    let database = directory.files.newURL()
    for archive in archives {
      try archive.forEachFile { file, content in
        // Where two archives hold it, the first one serves.
        guard let places = wanted.removeValue(forKey: file.sha256) else { return }
        let written = try NewFile(directory.files.newURL(), title: file.path)
        try content { try written.append($0) }
        guard written.sha256 == file.sha256 else { throw archive.damage(of: file) }
        try put(written, at: places.map(\.path), database, directory)
      }
    }
    try AtomicFile.move(OpenFile(database), at: database, to: directory.database)
  }

  private static func put(_ file: NewFile, at places: [String], _ database: URL, _ directory: DataDirectory) throws {
    let (inFiles, others) = (places.filter { $0.hasPrefix("files/") }, places.filter { !$0.hasPrefix("files/") })
    for place in others {
      let target = place == BackupManifest.database ? database : directory.root.appendingPathComponent(place)
      let source = try OpenFile(file.url)
      try Folder.make(target.deletingLastPathComponent())
      try AtomicFile.write(to: target) { copy in try source.forEachPiece { try copy.append($0) } }
    }
    if !inFiles.isEmpty { _ = try directory.files.adopt(file) }
  }

  /// The same check as of `temper fsck`.
  private static func check(_ root: URL) throws {
    let check = try StoreCheck(root)
    guard let fault = check.open.first else { return }
    throw BackupError("the restored folder is not whole: \(fault.kind.rawValue) \(fault.id): \(fault.detail)")
  }
}
