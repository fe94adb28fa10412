import Files
import Foundation
import GRDB
import Synchronization
import Training

/// A consistent copy of everything at one moment: the database and the saved states of jobs as copies, the files that they name as they are,
/// kept from being removed until they are written.
///
/// The states are copied before the database. So the database may be ahead of a state, as after a crash, but no state is ahead of what the
/// database knows of its job: a restored job goes on as after a crash.
package final class BackupSnapshot: Sendable {
  package let manifest: BackupManifest
  private let store: Store
  private let folder: URL
  /// Of the files that are still to be written.
  private let kept: Mutex<[String: KeptFile]>

  /// - Parameter known: digests of files that an earlier backup has.
  /// - Throws: `StorageError`, `DatabaseError`.
  init(of store: Store, without known: Set<String>, at now: Timestamp = .now) throws {
    let (directory, hold) = (store.directory, store.directory.files.holdAll())
    // A process that is killed leaves it; the next start removes what begins so.
    folder = directory.root.appendingPathComponent("incoming/new-backup-\(UUID().uuidString)", isDirectory: true)
    self.store = store
    var isMade = false
    let folder = folder
    defer { if !isMade { Folder.remove(folder) } }
    try Folder.make(folder)
    let states = try JobStates(copiedFrom: directory, to: folder)
    let database = folder.appendingPathComponent(BackupManifest.database)
    try directory.space.requireRoom(for: store.database.bytes)
    try store.database.copy(to: database)
    let content = try SnapshotDatabase(database, states)
    let (files, damaged, kept) = try Self.whole(content.named, store)
    try content.note(damaged, files: kept.keys)
    try content.close()
    let all = try Self.listed(database, files, states.files(of: content.jobs))
    manifest = BackupManifest(
      createdAt: now, jobs: content.jobs.count,
      files: all.map { file in
        var file = file
        file.isIncluded = !known.contains(file.sha256)
        return file
      }, damaged: damaged)
    self.kept = Mutex(kept)
    isMade = true
    withExtendedLifetime(hold) {}
  }

  deinit { Folder.remove(folder) }

  /// What is released while this exists goes when it is over.
  package func end() {
    kept.withLock { $0 = [:] }
    Folder.remove(folder)
    try? store.collectReleased()
  }

  /// Each named file as it is now, kept; those that are not whole are told apart: one damaged file must not keep all others from a backup.
  private static func whole(_ named: [(sha256: String, id: String)], _ store: Store) throws -> (
    [BackupManifest.File], [BackupManifest.Lost], [String: KeptFile]
  ) {
    var (files, damaged, kept): ([BackupManifest.File], [BackupManifest.Lost], [String: KeptFile]) = ([], [], [:])
    for (sha256, id) in named.sorted(by: { $0.sha256 < $1.sha256 }) where kept[sha256] == nil {
      do {
        let bytes = try store.directory.files.open(sha256).size
        kept[sha256] = store.directory.files.keep(sha256, bytes: bytes)
        files.append(BackupManifest.File(path: BackupManifest.File.path(ofFile: sha256), sha256: sha256, bytes: bytes))
      } catch let error as DamagedFile {
        damaged.append(BackupManifest.Lost(id: id, sha256: sha256, detail: error.description))
      }
    }
    return (files, damaged, kept)
  }

  private static func listed(
    _ database: URL, _ files: [BackupManifest.File], _ states: [BackupManifest.File]
  ) throws -> [BackupManifest.File] {
    let copy = try OpenFile(database)
    return [BackupManifest.File(path: BackupManifest.database, sha256: try copy.sha256(), bytes: copy.size)] + files + states
  }

  // MARK: Writing

  /// Writes the archive.
  ///
  /// - Parameter write: takes it piece by piece, and may wait for whoever reads it.
  /// - Throws: `BackupError` when a file changed since the manifest was made; errors of `write`.
  package func write(_ write: ([UInt8]) async throws -> Void) async throws {
    let output = PieceBuffer()
    let archive = try ArchiveWriter(.tar) { output.append($0) }
    try archive.add(BackupManifest.entry, manifest.text)
    for file in manifest.included {
      let source = try open(file)
      try archive.begin(file.path, bytes: file.bytes)
      let digest = SHA256Digest()
      for offset in stride(from: 0, to: file.bytes, by: Self.pieceBytes) {
        let piece = try Self.piece(of: source, file, at: offset)
        digest.update(piece)
        try piece.withUnsafeBytes { try archive.append($0) }
        if let pieces = output.take(atLeast: Self.pieceBytes) { try await write(pieces) }
      }
      guard digest.finishHex() == file.sha256 else { throw BackupError("\(file.path) changed while it was written") }
      try archive.endEntry()
      _ = kept.withLock { $0.removeValue(forKey: file.sha256) }
    }
    try archive.finish()
    if let rest = output.take(atLeast: 1) { try await write(rest) }
  }

  private static let pieceBytes = 1 << 18

  private static func piece(of source: OpenFile, _ file: BackupManifest.File, at offset: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: min(pieceBytes, file.bytes - offset))
    let count = try bytes.withUnsafeMutableBytes { try source.read(into: $0, at: offset) }
    guard count == bytes.count else { throw BackupError("\(file.path) was cut while it was written") }
    return bytes
  }

  private func open(_ file: BackupManifest.File) throws -> OpenFile {
    let own = folder.appendingPathComponent(file.path)
    return try OpenFile(file.path.hasPrefix("files/") ? store.directory.files.url(of: file.sha256) : own)
  }
}

/// Collects what an archive's writer hands over, for whoever takes it in larger pieces.
private final class PieceBuffer {
  private var bytes: [UInt8] = []

  func append(_ piece: UnsafeRawBufferPointer) { bytes += piece }

  func take(atLeast count: Int) -> [UInt8]? {
    guard bytes.count >= count else { return nil }
    defer { bytes = [] }
    return bytes
  }
}

extension Store {
  /// A consistent copy of everything, to be written and then ended.
  ///
  /// - Parameter known: digests of files that an earlier backup has.
  package func backup(without known: Set<String> = []) throws -> BackupSnapshot { try BackupSnapshot(of: self, without: known) }
}
