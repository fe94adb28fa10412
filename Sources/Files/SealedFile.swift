import Foundation
import Glibc

/// A file that holds the SHA-256 of its own content, so that a reader can tell whether it is whole. It is written atomically.
///
/// A digest is 64 hexadecimal digits and covers everything before it. A file may hold several: the first one vouches for a header
/// without the payload behind it.
package struct SealedFile: Sendable {
  package let url: URL
  package var name: String { url.lastPathComponent }

  package init(_ url: URL) { self.url = url }

  package static let digestBytes = 64

  /// The file is not as it was written.
  package struct Damage: Error {
    /// A clause that follows the name of the file.
    package let reason: String

    package init(reason: String) { self.reason = reason }
  }

  /// - Parameter body: appends content, and each digest by `appendDigest`.
  /// - Returns: the bytes written.
  package func write(_ body: (NewFile) throws -> Void) throws -> Int { try AtomicFile.write(to: url, body).bytes }

  /// - Returns: `nil` when there is no such file.
  /// - Throws: `Damage` when something is there that cannot be opened; `StorageError` when the system cannot say.
  package func open() throws -> SealedReader? {
    do {
      return SealedReader(try OpenFile(url))
    } catch {
      switch error.code {
      case ENOENT: return nil
      case 0, ENXIO: throw Damage(reason: "is not a regular file")
      case EACCES, EPERM, ELOOP, EIO: throw Damage(reason: "cannot be opened: \(String(cString: strerror(error.code)))")
      default: throw error
      }
    }
  }

  /// Removes the file, and what a killed process left of a new one.
  package func remove() { AtomicFile.remove(url) }
}

extension NewFile {
  /// Appends the digest of everything so far.
  ///
  /// - Parameter separator: goes before and after it.
  package func appendDigest(between separator: String = "") throws {
    try append(Data("\(separator)\(sha256)\(separator)".utf8))
  }
}

/// Reads a sealed file from front to back and hashes what it reads.
package struct SealedReader: ~Copyable {
  package let file: OpenFile
  /// The bytes that were read.
  package private(set) var offset = 0
  private let digest = SHA256Digest()

  package init(_ file: OpenFile) { self.file = file }

  /// - Throws: `SealedFile.Damage` when the file has fewer bytes or the disk cannot read them; `StorageError` when the system cannot say.
  package mutating func bytes(_ count: Int) throws -> Data {
    guard count >= 0, count <= file.size - offset else { throw SealedFile.Damage(reason: "was cut") }
    var data = Data(count: count)
    let read: Int
    do {
      read = try data.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
    } catch let error as StorageError where error.code == EIO {
      throw SealedFile.Damage(reason: "cannot be read from the disk")
    }
    guard read == count else { throw SealedFile.Damage(reason: "was cut while it was read") }
    offset += count
    digest.update(data)
    return data
  }

  /// Eight bytes, little-endian.
  package mutating func number() throws -> Int {
    let value = try bytes(8).withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    guard let number = Int(exactly: value) else { throw SealedFile.Damage(reason: "has an impossible number in its header") }
    return number
  }

  /// Reads on to an offset, in pieces.
  package mutating func skip(to end: Int) throws {
    while offset < end { _ = try bytes(min(1 << 18, end - offset)) }
  }

  /// Reads a digest, which must be that of everything before it.
  package mutating func requireDigest(between separator: String = "") throws {
    let expected = Data("\(separator)\(digest.hexSoFar())\(separator)".utf8)
    guard try bytes(expected.count) == expected else {
      throw SealedFile.Damage(reason: "does not have the content that its digest is of")
    }
  }
}
