import Foundation
import Glibc
import Synchronization

/// A file does not match its digest: it was changed or cut, or is missing.
package struct DamagedFile: Error, Hashable, Sendable, CustomStringConvertible {
  /// The digest of the expected content, in hexadecimal.
  package let sha256: String
  package let description: String

  package init(_ sha256: String, _ what: String) {
    self.sha256 = sha256
    description = "the file with the SHA-256 \(sha256) \(what)"
  }
}

/// Files named by the SHA-256 of their content: `files/ab/abcd…`. A file never changes, so a digest identifies it for ever, and a running
/// download never mixes two versions.
///
/// A file is written under a temporary name, synced, renamed, and its folder synced; only then may the database name it. While a
/// `KeptFile` of it exists, it is not removed, even if the database does not name it yet.
///
/// A file is hashed when it is written, when this process first uses it, when its size, times or inode have changed since the last hash,
/// and by `check`. Otherwise the result of the last hash is trusted.
package final class FileStore: Sendable {
  private let folder: URL
  private let incoming: URL
  private let lost: LostAndFound
  /// The folder as it was found.
  private let place: PresentFile?
  private let state = Mutex(State())

  private struct State {
    /// The identity of each file when it was last hashed and found whole.
    var notes: [String: FileIdentity] = [:]
    /// The number of `KeptFile`s of each file.
    var kept: [String: Int] = [:]
    /// The number of `FilesHold`s.
    var holds = 0
  }

  /// - Parameters:
  ///   - folder: for the files.
  ///   - incoming: for files that are being written, on the same disk.
  ///   - lost: takes damaged files.
  package init(_ folder: URL, incoming: URL, lost: LostAndFound) {
    self.folder = folder
    self.incoming = incoming
    self.lost = lost
    place = PresentFile(folder)
  }

  // MARK: Presence

  /// Whether the folder is the one that was found: not moved away, and no mount come or gone.
  package var isThere: Bool { place?.isThere ?? (access(folder.path, F_OK) == 0) }

  /// Without the folder nothing is known of any file: none is missing, and none can be written.
  private func requirePresence() throws(StorageError) {
    if !isThere { throw StorageError("the folder of the files is not there", errno: ENOENT) }
  }

  // MARK: Writing

  /// Writes a file.
  ///
  /// - Parameter body: writes the content piece by piece.
  /// - Throws: `StorageError`, and errors of `body`. No file is left then.
  package func write(_ body: (NewFile) throws -> Void) throws -> KeptFile {
    let file = try NewFile(newURL(), title: "a new file")
    try body(file)
    return try adopt(file)
  }

  /// Adds a file that is complete.
  package func adopt(_ file: NewFile) throws -> KeptFile {
    let (sha256, bytes) = (file.sha256, file.bytes)
    let kept = KeptFile(sha256: sha256, bytes: bytes, store: self)
    // The same content may exist already. A damaged file of that name is replaced.
    if (try? open(sha256)) != nil { return kept }
    let target = url(of: sha256)
    try requirePresence()
    try Folder.make(target.deletingLastPathComponent())
    try file.move(to: target)
    let identity = try OpenFile(target, title: sha256).identity
    state.withLock { $0.notes[sha256] = identity }
    return kept
  }

  /// Adds a file that lies elsewhere on the same disk, after checking its digest.
  package func adopt(_ url: URL, sha256: String) throws -> KeptFile {
    let source = try OpenFile(url)
    guard try source.sha256() == sha256 else { throw DamagedFile(sha256, "has another content") }
    let kept = KeptFile(sha256: sha256, bytes: source.size, store: self)
    if (try? open(sha256)) != nil { return kept }
    let target = self.url(of: sha256)
    try requirePresence()
    try Folder.make(target.deletingLastPathComponent())
    try AtomicFile.move(source, at: url, to: target)
    return kept
  }

  /// A new path for a file that is being written.
  package func newURL() -> URL { incoming.appendingPathComponent("new-\(UUID().uuidString)") }

  // MARK: Reading

  /// Opens a file that matches its digest.
  ///
  /// - Throws: `DamagedFile` when it does not match; it is moved to lost+found. `StorageError` when it cannot be opened or read, or the
  ///   folder of the files is not there.
  package func open(_ sha256: String) throws -> OpenFile {
    let file = try found(sha256)
    if state.withLock({ $0.notes[sha256] }) == file.identity { return file }
    return try hashed(file, sha256)
  }

  /// Hashes a file, even if it was hashed before.
  ///
  /// - Parameter pace: called after each piece with its length, so that the caller can slow the hashing down.
  /// - Throws: as `open`.
  package func check(_ sha256: String, pace: (Int) throws -> Void = { _ in }) throws {
    let digest = SHA256Digest()
    do {
      let file = try found(sha256)
      try file.forEachPiece {
        digest.update($0)
        try pace($0.count)
      }
      try note(file, sha256, digest.finishHex())
    } catch let error as StorageError where error.code == EIO {
      throw DamagedFile(sha256, "cannot be read from the disk")
    }
  }

  /// Hashes a file without moving it when it is damaged.
  package func look(at sha256: String) throws {
    let digest = try found(sha256).sha256()
    guard digest == sha256 else { throw DamagedFile(sha256, "is damaged: its content has the SHA-256 \(digest)") }
  }

  private func found(_ sha256: String) throws -> OpenFile {
    // What comes from a database may be anything, a path out of this folder for one.
    guard Self.isDigest(sha256) else { throw DamagedFile(sha256, "cannot be: that is no SHA-256") }
    do {
      return try OpenFile(url(of: sha256), title: "the file \(sha256)")
    } catch {
      guard error.code == ENOENT else { throw error }
      try requirePresence()
      throw DamagedFile(sha256, "is missing")
    }
  }

  private func hashed(_ file: OpenFile, _ sha256: String) throws -> OpenFile {
    try note(file, sha256, file.sha256())
    return file
  }

  private func note(_ file: OpenFile, _ sha256: String, _ found: String) throws {
    guard found == sha256 else {
      state.withLock { $0.notes[sha256] = nil }
      try lost.take(url(of: sha256), because: "its SHA-256 is \(found)")
      throw DamagedFile(sha256, "is damaged: its content has the SHA-256 \(found)")
    }
    state.withLock { $0.notes[sha256] = file.identity }
  }

  /// The bytes of a file; `nil` when there is none.
  package func size(of sha256: String) -> Int? { Self.isDigest(sha256) ? (try? OpenFile(url(of: sha256)))?.size : nil }

  // MARK: Removing

  /// Keeps a file from being removed.
  package func keep(_ sha256: String, bytes: Int) -> KeptFile { KeptFile(sha256: sha256, bytes: bytes, store: self) }

  /// Keeps every file from being removed while the value exists.
  package func holdAll() -> FilesHold { FilesHold(self) }

  /// Removes a file, unless a `KeptFile` of it or a `FilesHold` exists. Call it in a write transaction in which no row names the file.
  ///
  /// - Returns: whether there is no such file any more; false where the folder itself is not there.
  @discardableResult
  package func remove(_ sha256: String) -> Bool {
    guard Self.isDigest(sha256) else { return true }
    guard isThere else { return false }
    return state.withLock { state in
      guard state.holds == 0, state.kept[sha256, default: 0] == 0 else { return false }
      state.notes[sha256] = nil
      unlink(url(of: sha256).path)
      return true
    }
  }

  /// The folders that files are in, each named by the first two digits of theirs.
  package var folders: [URL] {
    Folder.names(in: folder).filter { $0.utf8.count == 2 }.map { folder.appendingPathComponent($0, isDirectory: true) }
  }

  /// The digests of all files. Files whose name is not a digest are ignored.
  package func all() -> [String] {
    folders.flatMap { folder in
      Folder.names(in: folder).filter { Self.isDigest($0) && $0.hasPrefix(folder.lastPathComponent) }
    }
  }

  /// What lies below the folder and is none of its files, by its path from there, sorted.
  package func strangers() -> [String] {
    Folder.names(in: folder).flatMap { name -> [String] in
      let inner = folder.appendingPathComponent(name, isDirectory: true)
      var isFolder: ObjCBool = false
      let isOwn = name.utf8.count == 2 && FileManager.default.fileExists(atPath: inner.path, isDirectory: &isFolder) && isFolder.boolValue
      return isOwn ? Folder.names(in: inner).filter { !Self.isDigest($0) || !$0.hasPrefix(name) }.map { "\(name)/\($0)" } : [name]
    }
  }

  /// Moves a file that no record names to lost+found.
  package func setAside(_ sha256: String, because reason: String) throws {
    guard Self.isDigest(sha256) else { return }
    state.withLock { $0.notes[sha256] = nil }
    try lost.take(url(of: sha256), because: reason)
  }

  /// - Parameter sha256: a digest (`isDigest`): no path is made of anything else.
  package func url(of sha256: String) -> URL { folder.appendingPathComponent("\(sha256.prefix(2))/\(sha256)") }

  /// Whether the text is a SHA-256 as it is written here.
  package static func isDigest(_ text: String) -> Bool {
    text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  fileprivate func countHolds(_ change: Int) { state.withLock { $0.holds += change } }

  fileprivate func count(_ sha256: String, _ change: Int) {
    state.withLock { state in
      let count = state.kept[sha256, default: 0] + change
      state.kept[sha256] = count > 0 ? count : nil
    }
  }
}

/// Keeps a file of a `FileStore` from being removed while this value exists, until the database names the file.
package final class KeptFile: Sendable {
  package let sha256: String
  package let bytes: Int
  private let store: FileStore

  fileprivate init(sha256: String, bytes: Int, store: FileStore) {
    self.sha256 = sha256
    self.bytes = bytes
    self.store = store
    store.count(sha256, 1)
  }

  deinit { store.count(sha256, -1) }
}

/// Keeps all files of a `FileStore` while this value exists: what is released meanwhile stays noted as released, and goes later.
package final class FilesHold: Sendable {
  private let store: FileStore

  fileprivate init(_ store: FileStore) {
    self.store = store
    store.countHolds(1)
  }

  deinit { store.countHolds(-1) }
}
