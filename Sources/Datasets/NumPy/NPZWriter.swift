import Files

/// Writes NumPy's archive of arrays, uncompressed, as `numpy.savez` does. The same arrays always give the same bytes.
package final class NPZWriter {
  /// The type of an array's elements, little-endian.
  package enum Element: String, Sendable {
    case bool = "|b1"
    case int64 = "<i8"
    case float32 = "<f4"

    var bytes: Int {
      switch self {
      case .bool: 1
      case .int64: 8
      case .float32: 4
      }
    }
  }

  private let archive: ArchiveWriter

  /// - Parameter write: takes the file piece by piece.
  package init(to write: @escaping (UnsafeRawBufferPointer) throws -> Void) throws { archive = try ArchiveWriter(.zip, to: write) }

  /// - Parameter body: hands over the elements in order, piece by piece.
  package func add(
    _ name: String, _ element: Element, _ dimensions: [Int], _ body: (@escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws {
    let header = Self.header(element, dimensions)
    try archive.add(name + ".npy", bytes: header.count + dimensions.reduce(element.bytes, *)) { write in
      try header.withUnsafeBytes(write)
      try body(write)
    }
  }

  package func add(_ name: String, _ values: [Int], dimensions: [Int]? = nil) throws {
    let elements = values.map { Int64($0).littleEndian }
    try add(name, .int64, dimensions ?? [values.count]) { write in try elements.withUnsafeBytes(write) }
  }

  package func add(_ name: String, _ values: [Bool], dimensions: [Int]? = nil) throws {
    let elements = values.map { UInt8($0 ? 1 : 0) }
    try add(name, .bool, dimensions ?? [values.count]) { write in try elements.withUnsafeBytes(write) }
  }

  package func finish() throws { try archive.finish() }

  /// Version 1.0 of the format: the header ends at a multiple of 64 bytes (`numpy.lib.format`).
  private static func header(_ element: Element, _ dimensions: [Int]) -> [UInt8] {
    let shape = dimensions.map(String.init).joined(separator: ", ") + (dimensions.count == 1 ? "," : "")
    var text = "{'descr': '\(element.rawValue)', 'fortran_order': False, 'shape': (\(shape)), }"
    let before = 10
    text += String(repeating: " ", count: 63 - (before + text.utf8.count) % 64) + "\n"
    let length = UInt16(text.utf8.count)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
  }
}
