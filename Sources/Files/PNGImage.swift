import CZlib
import Foundation

/// Writes pictures as PNG (W3C, third edition): eight bits for each of red, green and blue, without a filter, compressed by zlib.
package enum PNGImage {
  /// - Parameters:
  ///   - pixels: `[height, width, 3]`, from the top row.
  package static func encode(_ pixels: [UInt8], width: Int, height: Int) throws(StorageError) -> [UInt8] {
    precondition(pixels.count == width * height * 3 && width > 0 && height > 0, "\(pixels.count) bytes are no \(width) × \(height) pixels")
    // Each row begins with the number of its filter.
    var rows: [UInt8] = []
    rows.reserveCapacity(height * (1 + width * 3))
    for row in 0..<height {
      rows.append(0)
      rows += pixels[row * width * 3..<(row + 1) * width * 3]
    }
    // Depth 8, colour type 2 (truecolour), deflate, adaptive filters, no interlace.
    let header = bigEndian(width) + bigEndian(height) + [8, 2, 0, 0, 0]
    return signature + chunk("IHDR", header) + chunk("IDAT", try compressed(rows)) + chunk("IEND", [])
  }

  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Length, type, data, and the CRC of the latter two (§5.3).
  private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(type.utf8) + data
    let checksum = body.withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) }
    return bigEndian(data.count) + body + bigEndian(Int(checksum))
  }

  private static func bigEndian(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

  private static func compressed(_ bytes: [UInt8]) throws(StorageError) -> [UInt8] {
    var length = compressBound(UInt(bytes.count))
    var output = [UInt8](repeating: 0, count: Int(length))
    guard compress(&output, &length, bytes, UInt(bytes.count)) == Z_OK else {
      throw StorageError("a picture cannot be compressed", errno: ENOMEM)
    }
    return Array(output.prefix(Int(length)))
  }
}
