import Foundation
import Glibc
import Synchronization

/// A file is not what its digest says: it was changed, cut, or has gone.
package struct DamagedFile: Error, Hashable, Sendable, CustomStringConvertible {
  /// Of the content that should be there, in hexadecimal.
  package let sha256: String
  package let description: String

  package init(_ sha256: String, _ what: String) {
    self.sha256 = sha256
    description = "the file with the SHA-256 \(sha256) \(what)"
  }
}

/// Files named by the SHA-256 of their content: `files/ab/abcd…`. None ever changes, so whoever has its digest has the file, and a
/// download in flight never mixes with what comes after it.
///
/// A file is written under a temporary name, synced, renamed, and its folder synced; only then may the database name it. As long as a
/// `KeptFile` of it lives, it is not removed, whether or not the database names it already.
///
/// A file is hashed whole when it is written, when it is first used by this process, whenever its size, times or inode are not those of
/// the last hash, and by `check`; between these, readers trust the note of the last hash.
package final class FileStore: Sendable {
  private let folder: URL
  private let incoming: URL
  private let lost: LostAndFound
  private let state = Mutex(State())

  private struct State {
    /// What each file was when it was last hashed and found whole.
    var notes: [String: FileIdentity] = [:]
    /// How many `KeptFile`s there are of each.
    var kept: [String: Int] = [:]
  }

  /// - Parameters:
  ///   - folder: for the files.
  ///   - incoming: for files under way, on the same disk.
  ///   - lost: where damaged files go.
  package init(_ folder: URL, incoming: URL, lost: LostAndFound) {
    self.folder = folder
    self.incoming = incoming
    self.lost = lost
  }

  // MARK: Writing

  /// Writes a file.
  ///
  /// - Parameter body: hands over the content piece by piece.
  /// - Throws: `StorageError`, and what `body` throws. Nothing is left then.
  package func write(_ body: (NewFile) throws -> Void) throws -> KeptFile {
    let file = try NewFile(newURL(), title: "a new file")
    try body(file)
    return try adopt(file)
  }

  /// Takes a file that was written whole.
  package func adopt(_ file: NewFile) throws -> KeptFile {
    let (sha256, bytes) = (file.sha256, file.bytes)
    let kept = KeptFile(sha256: sha256, bytes: bytes, store: self)
    // The same content may be there already; a damaged one of that name is replaced.
    if (try? open(sha256)) != nil { return kept }
    let target = url(of: sha256)
    try Folder.make(target.deletingLastPathComponent())
    try file.move(to: target)
    let identity = try OpenFile(target, title: sha256).identity
    state.withLock { $0.notes[sha256] = identity }
    return kept
  }

  /// Takes a file that lies elsewhere on the same disk and has this digest, which is checked.
  package func adopt(_ url: URL, sha256: String) throws -> KeptFile {
    let source = try OpenFile(url)
    guard try source.sha256() == sha256 else { throw DamagedFile(sha256, "has another content") }
    let kept = KeptFile(sha256: sha256, bytes: source.size, store: self)
    if (try? open(sha256)) != nil { return kept }
    let target = self.url(of: sha256)
    try Folder.make(target.deletingLastPathComponent())
    try AtomicFile.move(source, at: url, to: target)
    return kept
  }

  /// Where a file under way may be written.
  package func newURL() -> URL { incoming.appendingPathComponent("new-\(UUID().uuidString)") }

  // MARK: Reading

  /// Opens a file that is what its digest says.
  ///
  /// - Throws: `DamagedFile` when it is not; it lies in lost+found then. `StorageError` when the system cannot say.
  package func open(_ sha256: String) throws -> OpenFile {
    let file = try found(sha256)
    if state.withLock({ $0.notes[sha256] }) == file.identity { return file }
    return try hashed(file, sha256)
  }

  /// Hashes a file whole, whatever is noted of it.
  ///
  /// - Parameter pace: called after each piece with its bytes, to hash slowly.
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

  /// The same without moving anything.
  package func look(at sha256: String) throws {
    let digest = try found(sha256).sha256()
    guard digest == sha256 else { throw DamagedFile(sha256, "is damaged: its content has the SHA-256 \(digest)") }
  }

  private func found(_ sha256: String) throws -> OpenFile {
    do {
      return try OpenFile(url(of: sha256), title: "the file \(sha256)")
    } catch {
      guard error.code == ENOENT else { throw error }
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

  // MARK: Removing

  /// Keeps a file from being removed.
  package func keep(_ sha256: String, bytes: Int) -> KeptFile { KeptFile(sha256: sha256, bytes: bytes, store: self) }

  /// Removes a file, unless a `KeptFile` of it lives. To be called within a write transaction in which no row names it.
  ///
  /// - Returns: whether it is gone.
  @discardableResult
  package func remove(_ sha256: String) -> Bool {
    state.withLock { state in
      guard state.kept[sha256, default: 0] == 0 else { return false }
      state.notes[sha256] = nil
      unlink(url(of: sha256).path)
      return true
    }
  }

  /// The digests of all files that there are. What has another name is a stranger's, and passed over.
  package func all() -> [String] {
    Folder.names(in: folder).filter { $0.utf8.count == 2 }.flatMap { prefix in
      Folder.names(in: folder.appendingPathComponent(prefix)).filter { Self.isDigest($0) && $0.hasPrefix(prefix) }
    }
  }

  /// Moves a file that nobody names into lost+found.
  package func setAside(_ sha256: String, because reason: String) throws {
    state.withLock { $0.notes[sha256] = nil }
    try lost.take(url(of: sha256), because: reason)
  }

  package func url(of sha256: String) -> URL { folder.appendingPathComponent("\(sha256.prefix(2))/\(sha256)") }

  /// Whether this is how a SHA-256 is written here.
  package static func isDigest(_ text: String) -> Bool {
    text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  fileprivate func count(_ sha256: String, _ change: Int) {
    state.withLock { state in
      let count = state.kept[sha256, default: 0] + change
      state.kept[sha256] = count > 0 ? count : nil
    }
  }
}

/// A file of a `FileStore` that is not removed as long as this value lives: until the database names it.
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
