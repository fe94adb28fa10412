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
  /// More than any optimiser remembers.
  fileprivate static let mostArrays = 16

  typealias Damage = SealedFile.Damage

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
    return try SealedFile(url).write { file in
      try file.append(front)
      try file.appendDigest()
      for array in arrays { try file.append(UnsafeRawBufferPointer(array)) }
      try file.appendDigest()
    }
  }

  /// Opens the file and reads its header.
  ///
  /// - Returns: `nil` when there is no such file.
  /// - Throws: `Damage`; `StorageError` when the system cannot say.
  func open<Header: Decodable>(_ header: Header.Type) throws -> OpenResumeFile<Header>? {
    guard let reader = try SealedFile(url).open() else { return nil }
    return try OpenResumeFile(reader)
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
  fileprivate init(_ reader: consuming SealedReader) throws {
    var reader = reader
    file = reader.file
    guard try reader.bytes(ResumeFile.magic.count) == ResumeFile.magic else {
      throw ResumeFile.Damage(reason: "does not begin as a saved state does")
    }
    let json = try reader.bytes(reader.number())
    let arrays = try reader.number()
    guard (0...ResumeFile.mostArrays).contains(arrays) else { throw ResumeFile.Damage(reason: "has an impossible number of arrays") }
    var counts: [Int] = []
    for _ in 0..<arrays { counts.append(try reader.number()) }
    self.counts = counts
    try reader.requireDigest()
    offset = reader.offset
    let size = file.size
    let end = counts.reduce(Optional(offset)) { sum, count in
      let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
      return overflow || bytes > size ? nil : sum.map { $0 + bytes }
    }
    guard end == size - SealedFile.digestBytes else { throw ResumeFile.Damage(reason: "was cut or has grown") }
    guard let header = try? JSONDecoder().decode(Header.self, from: json) else {
      throw ResumeFile.Damage(reason: "has a header that this version cannot read")
    }
    self.header = header
  }

  /// - Throws: `ResumeFile.Damage` when any byte is not as it was written.
  func requireWhole() throws {
    var reader = SealedReader(file)
    try reader.skip(to: file.size - SealedFile.digestBytes)
    try reader.requireDigest()
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
}

extension Data {
  fileprivate mutating func append(_ number: UInt64) { Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) } }
}
