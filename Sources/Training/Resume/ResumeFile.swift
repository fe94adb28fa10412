import Files
import Foundation

/// The file that a run is resumed from.
///
/// Bytes: the magic, the length of the header (8 bytes, little-endian), the header (`ResumeState` as JSON), the number of arrays and the
/// number of floats in each of them (8 bytes each), the arrays (the weights, then each slot of the optimiser), and the SHA-256 of all that.
struct ResumeFile {
  private let url: URL
  private static let magic = Data("TEMPERS2".utf8)
  private static let digestBytes = 32
  /// More than any optimiser remembers.
  private static let mostArrays = 16

  init(directory: URL) { url = directory.appendingPathComponent("resume.state") }

  var exists: Bool { FileManager.default.fileExists(atPath: url.path) }

  func remove() throws {
    guard exists else { return }
    do {
      try FileManager.default.removeItem(at: url)
    } catch {
      throw TrainingError.storage("\(url.lastPathComponent) cannot be removed")
    }
  }

  func save(_ state: ResumeState, arrays: [UnsafeBufferPointer<Float>]) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let header = try encoder.encode(state)
    var front = Self.magic
    front.append(UInt64(header.count))
    front.append(header)
    front.append(UInt64(arrays.count))
    for array in arrays { front.append(UInt64(array.count)) }
    try AtomicFile.write(to: url) { put in
      let digest = SHA256Digest()
      try front.withUnsafeBytes {
        digest.update($0)
        try put($0)
      }
      for array in arrays {
        digest.update(UnsafeRawBufferPointer(array))
        try put(UnsafeRawBufferPointer(array))
      }
      try digest.finish().withUnsafeBytes(put)
    }
  }

  /// - Throws: `TrainingError.cannotResume` when the file is not what `save` left.
  func load() throws -> (state: ResumeState, arrays: [[Float]]) {
    guard let data = try? Data(contentsOf: url) else { throw TrainingError.storage("\(url.lastPathComponent) cannot be read") }
    let contents = data.dropLast(Self.digestBytes)
    guard data.count > Self.digestBytes, data.starts(with: Self.magic),
      Data(SHA256Digest.hex(of: contents).utf8) == Data(SHA256Digest.hex([UInt8](data.suffix(Self.digestBytes))).utf8)
    else { throw Self.damaged }
    var reader = Reader(contents.dropFirst(Self.magic.count))
    guard let header = try? reader.bytes(reader.number()), let state = try? JSONDecoder().decode(ResumeState.self, from: header) else {
      throw Self.damaged
    }
    let arrays = try reader.number()
    guard (0...Self.mostArrays).contains(arrays) else { throw Self.damaged }
    let counts = try (0..<arrays).map { _ in try reader.number() }
    return (state, try counts.map { try reader.floats($0) })
  }

  static let damaged = TrainingError.cannotResume("the saved state of the run is damaged; start the run anew")
}

extension Data {
  fileprivate mutating func append(_ number: UInt64) { Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) } }
}

/// Takes a file apart, from front to back.
private struct Reader {
  private var rest: Data

  init(_ data: Data) { rest = data }

  mutating func bytes(_ count: Int) throws -> Data {
    guard count >= 0, count <= rest.count else { throw ResumeFile.damaged }
    defer { rest = rest.dropFirst(count) }
    return Data(rest.prefix(count))
  }

  mutating func number() throws -> Int {
    let value = try bytes(8).withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    guard let number = Int(exactly: value) else { throw ResumeFile.damaged }
    return number
  }

  mutating func floats(_ count: Int) throws -> [Float] {
    let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
    guard !overflow else { throw ResumeFile.damaged }
    let data = try bytes(size)
    return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = data.copyBytes(to: buffer) / MemoryLayout<Float>.size
    }
  }
}
