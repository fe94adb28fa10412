/// How a camera was held: the tag 0x0112 of a picture's EXIF data (CIPA DC-008, "Exif 2.32", 4.6.4), from 1, upright, to 8.
struct EXIFOrientation: Equatable {
  private let value: UInt16

  static let upright = EXIFOrientation(value: 1)

  private init(value: UInt16) { self.value = value }

  /// Upright where the picture does not say, or says it in a way that cannot be read.
  init(of bytes: [UInt8], _ format: PictureFormat) {
    let data: ArraySlice<UInt8>? =
      switch format {
      case .jpeg: Self.segment(of: bytes)
      case .png: Self.chunk("eXIf", of: bytes, from: 8, isBigEndian: true, isTypeFirst: false)
      case .webp: Self.chunk("EXIF", of: bytes, from: 12, isBigEndian: false, isTypeFirst: true)
      }
    value = data.flatMap { Self.tag($0) } ?? 1
  }

  /// Whether height and width change places.
  var swapsSides: Bool { value >= 5 }

  /// The picture as it was seen.
  func turn(_ picture: Picture) -> Picture {
    guard value > 1 else { return picture }
    let (height, width) = swapsSides ? (picture.width, picture.height) : (picture.height, picture.width)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(picture.pixels.count)
    for y in 0..<height {
      for x in 0..<width {
        let (row, column) = source(y, x, picture)
        let start = (row * picture.width + column) * picture.channels
        pixels += picture.pixels[start..<start + picture.channels]
      }
    }
    return Picture(height: height, width: width, channels: picture.channels, pixels: pixels)
  }

  /// Where a pixel of the turned picture stands in the stored one. The values name the sides of the scene at which the stored row 0 and
  /// column 0 lie: 1 top left, 2 top right, 3 bottom right, 4 bottom left, 5 left top, 6 right top, 7 right bottom, 8 left bottom.
  private func source(_ y: Int, _ x: Int, _ stored: Picture) -> (row: Int, column: Int) {
    let (bottom, right) = (stored.height - 1, stored.width - 1)
    return switch value {
    case 2: (y, right - x)
    case 3: (bottom - y, right - x)
    case 4: (bottom - y, x)
    case 5: (x, y)
    case 6: (bottom - x, y)
    case 7: (bottom - x, right - y)
    case 8: (x, right - y)
    default: (y, x)
    }
  }

  // MARK: Where it stands

  /// The TIFF data of the first APP1 segment that begins with `Exif`.
  private static func segment(of bytes: [UInt8]) -> ArraySlice<UInt8>? {
    var place = 2
    while place + 4 <= bytes.count, bytes[place] == 0xFF {
      let marker = bytes[place + 1]
      // A byte that fills, which may stand before any marker.
      if marker == 0xFF {
        place += 1
        continue
      }
      // The pixels begin, or the picture ends.
      if marker == 0xDA || marker == 0xD9 { return nil }
      let length = Int(bytes[place + 2]) << 8 | Int(bytes[place + 3])
      let content = bytes.dropFirst(place + 4).prefix(max(length - 2, 0))
      if marker == 0xE1, content.starts(with: Array("Exif".utf8) + [0, 0]) { return content.dropFirst(6) }
      place += 2 + max(length, 2)
    }
    return nil
  }

  /// The data of a chunk. PNG has the length, the type, the data and a checksum; RIFF the type, the length, and data of an even length.
  private static func chunk(
    _ type: String, of bytes: [UInt8], from start: Int, isBigEndian: Bool, isTypeFirst: Bool
  ) -> ArraySlice<UInt8>? {
    var place = start
    while place + 8 <= bytes.count {
      let first = bytes[place..<place + 4]
      let second = bytes[place + 4..<place + 8]
      let (name, size) = isTypeFirst ? (first, second) : (second, first)
      let length = Int(integer(size, isBigEndian))
      let content = bytes.dropFirst(place + 8).prefix(length)
      if name.elementsEqual(type.utf8) { return content.starts(with: Array("Exif".utf8) + [0, 0]) ? content.dropFirst(6) : content }
      place += 8 + length + (isTypeFirst ? length % 2 : 4)
    }
    return nil
  }

  /// The tag in the first directory of TIFF data (TIFF 6.0, section 2).
  private static func tag(_ data: ArraySlice<UInt8>) -> UInt16? {
    let data = Array(data)
    guard data.count >= 8 else { return nil }
    let isBigEndian: Bool
    switch data[..<4] {
    case [0x49, 0x49, 0x2A, 0]: isBigEndian = false
    case [0x4D, 0x4D, 0, 0x2A]: isBigEndian = true
    default: return nil
    }
    let start = Int(integer(data[4..<8], isBigEndian))
    guard start + 2 <= data.count else { return nil }
    for entry in 0..<Int(integer(data[start..<start + 2], isBigEndian)) {
      let place = start + 2 + entry * 12
      guard place + 12 <= data.count else { return nil }
      guard integer(data[place..<place + 2], isBigEndian) == 0x0112 else { continue }
      let value = UInt16(integer(data[place + 8..<place + 10], isBigEndian))
      return (1...8).contains(value) ? value : nil
    }
    return nil
  }

  private static func integer(_ bytes: ArraySlice<UInt8>, _ isBigEndian: Bool) -> UInt32 {
    (isBigEndian ? Array(bytes) : bytes.reversed()).reduce(0) { $0 << 8 | UInt32($1) }
  }
}
