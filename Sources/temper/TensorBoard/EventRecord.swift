import Foundation

/// A record of a TensorBoard event file: a TFRecord of an `Event`, a protocol buffer (tensorflow/core/util/event.proto,
/// tensorflow/core/framework/summary.proto).
package struct EventRecord {
  private let message: [UInt8]

  /// The record that a file begins with.
  ///
  /// - Parameter time: seconds since 1970, as in the other records.
  package init(versionAt time: Double) {
    message = Self.double(1, time) + Self.bytes(3, Array("brain.Event:2".utf8))
  }

  /// Measured values, by name.
  package init(step: Int, at time: Double, _ values: [(tag: String, value: Float)]) {
    let summary = values.flatMap { Self.bytes(1, Self.bytes(1, Array($0.tag.utf8)) + Self.float(2, $0.value)) }
    message = Self.double(1, time) + Self.integer(2, step) + Self.bytes(5, summary)
  }

  /// Length, its checksum, content, its checksum (tensorflow/core/lib/io/record_writer.cc).
  package var bytes: [UInt8] {
    let length = Self.little(UInt64(message.count))
    return length + Self.little(MaskedChecksum.of(length)) + message + Self.little(MaskedChecksum.of(message))
  }

  // MARK: Protocol buffers: a field is its number and its wire type, then its content

  private static func double(_ field: UInt8, _ value: Double) -> [UInt8] { [field << 3 | 1] + little(value.bitPattern) }
  private static func float(_ field: UInt8, _ value: Float) -> [UInt8] { [field << 3 | 5] + little(value.bitPattern) }
  private static func integer(_ field: UInt8, _ value: Int) -> [UInt8] { [field << 3] + varint(UInt64(max(0, value))) }
  private static func bytes(_ field: UInt8, _ value: [UInt8]) -> [UInt8] { [field << 3 | 2] + varint(UInt64(value.count)) + value }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var (rest, bytes): (UInt64, [UInt8]) = (value, [])
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  private static func little(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
}

/// CRC-32C (RFC 3720, appendix B.4), masked as TFRecords have it: a checksum of data that holds checksums is otherwise weak.
package enum MaskedChecksum {
  package static func of(_ bytes: [UInt8]) -> UInt32 {
    let sum = ~bytes.reduce(~UInt32(0)) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }

  /// Of the polynomial of Castagnoli, bits reversed.
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1 }
  }
}
