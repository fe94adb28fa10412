import Files
import Foundation

/// A file that a run is resumed from.
///
/// Bytes: the magic, the length of the header (8 bytes, little-endian), the header (`ResumeState` as JSON), the number of arrays and the
/// number of floats in each of them (8 bytes each), the SHA-256 of all that, the arrays (the weights, each slot of the optimiser, the state of the method if it has any), and
/// the SHA-256 of all that is before it. Digests are 64 hexadecimal digits; by the first one the header is trusted without the arrays.
struct ResumeFile {
  let url: URL
  var name: String { url.lastPathComponent }

  fileprivate static let magic = Data("TEMPERS3".utf8)
  fileprivate static let digestBytes = 64
  /// More than any optimiser remembers.
  fileprivate static let mostArrays = 16

  /// Why a file is not what `write` left.
  struct Damage: Error {
    /// To go after the name of the file.
    let reason: String
  }

  /// - Returns: the bytes written.
  func write(_ state: ResumeState, _ arrays: [UnsafeBufferPointer<Float>]) throws -> Int {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let header = try encoder.encode(state)
    var front = Self.magic
    front.append(UInt64(header.count))
    front.append(header)
    front.append(UInt64(arrays.count))
    for array in arrays { front.append(UInt64(array.count)) }
    return try AtomicFile.write(to: url) { file in
      try file.append(front)
      try file.append(Data(file.sha256.utf8))
      for array in arrays { try file.append(UnsafeRawBufferPointer(array)) }
      try file.append(Data(file.sha256.utf8))
    }.bytes
  }

  /// Opens the file and reads its header.
  ///
  /// - Returns: `nil` when there is no such file.
  /// - Throws: `Damage`; `StorageError` when the system cannot say.
  func open<Header: Decodable>(_ header: Header.Type) throws -> OpenResumeFile<Header>? {
    let file: OpenFile
    do {
      file = try OpenFile(url)
    } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
    return try OpenResumeFile(file)
  }
}

/// A file whose header is whole.
struct OpenResumeFile<Header: Decodable> {
  let header: Header
  /// The floats of each array.
  let counts: [Int]
  private let file: OpenFile
  /// Of the first array.
  private let offset: Int

  /// - Throws: `ResumeFile.Damage`; `StorageError` when the system cannot say.
  fileprivate init(_ file: OpenFile) throws {
    self.file = file
    var reader = Reader(file)
    guard try reader.bytes(ResumeFile.magic.count) == ResumeFile.magic else {
      throw ResumeFile.Damage(reason: "does not begin as a saved state does")
    }
    let json = try reader.bytes(reader.number())
    let arrays = try reader.number()
    guard (0...ResumeFile.mostArrays).contains(arrays) else { throw ResumeFile.Damage(reason: "has an impossible number of arrays") }
    counts = try (0..<arrays).map { _ in try reader.number() }
    let digest = reader.sha256
    guard try reader.bytes(ResumeFile.digestBytes) == Data(digest.utf8) else { throw Self.otherDigest }
    offset = reader.offset
    let end = counts.reduce(Optional(offset)) { sum, count in
      let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
      return overflow || bytes > file.size ? nil : sum.map { $0 + bytes }
    }
    guard end == file.size - ResumeFile.digestBytes else { throw ResumeFile.Damage(reason: "was cut or has grown") }
    guard let header = try? JSONDecoder().decode(Header.self, from: json) else {
      throw ResumeFile.Damage(reason: "has a header that this version cannot read")
    }
    self.header = header
  }

  /// - Throws: `ResumeFile.Damage` when any byte is not as it was written.
  func requireWhole() throws {
    var reader = Reader(file)
    while reader.offset < file.size - ResumeFile.digestBytes {
      _ = try reader.bytes(min(1 << 18, file.size - ResumeFile.digestBytes - reader.offset))
    }
    let digest = reader.sha256
    guard try reader.bytes(ResumeFile.digestBytes) == Data(digest.utf8) else { throw Self.otherDigest }
  }

  /// Reads the arrays into their places, which must be as long as `counts` says.
  func read(into places: [UnsafeMutableBufferPointer<Float>]) throws {
    var offset = offset
    for place in places {
      let bytes = UnsafeMutableRawBufferPointer(place)
      guard try file.read(into: bytes, at: offset) == bytes.count else { throw ResumeFile.Damage(reason: "was cut while it was read") }
      offset += bytes.count
    }
  }

  private static var otherDigest: ResumeFile.Damage { ResumeFile.Damage(reason: "does not have the content that its digest is of") }
}

extension Data {
  fileprivate mutating func append(_ number: UInt64) { Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) } }
}

/// Takes a file apart, from front to back, and hashes what it has passed.
private struct Reader: ~Copyable {
  private let file: OpenFile
  private let digest = SHA256Digest()
  private(set) var offset = 0

  init(_ file: OpenFile) { self.file = file }

  var sha256: String { digest.hexSoFar() }

  mutating func bytes(_ count: Int) throws -> Data {
    guard count >= 0, count <= file.size - offset else { throw ResumeFile.Damage(reason: "was cut") }
    var data = Data(count: count)
    let read: Int
    do {
      read = try data.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
    } catch let error as StorageError where error.code == EIO {
      throw ResumeFile.Damage(reason: "cannot be read from the disk")
    }
    guard read == count else { throw ResumeFile.Damage(reason: "was cut while it was read") }
    offset += count
    digest.update(data)
    return data
  }

  mutating func number() throws -> Int {
    let value = try bytes(8).withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    guard let number = Int(exactly: value) else { throw ResumeFile.Damage(reason: "has an impossible number in its header") }
    return number
  }
}
