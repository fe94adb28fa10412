/// A zip archive with uncompressed entries, written by hand so that every byte of it can be wrong on purpose (APPNOTE.TXT 4.3).
struct StoredArchive {
  private var content = [UInt8]()
  private var directory = [UInt8]()
  private var count = 0

  /// - Parameters:
  ///   - checksum: what the archive says the CRC-32 of `bytes` is; the true one when nil.
  ///   - method: how `bytes` are said to be compressed.
  ///   - mode: of a file on Unix; 0 where the archive does not say.
  ///   - flags: 1 where the entry is encrypted.
  mutating func add(_ name: String, _ bytes: [UInt8], checksum: UInt32? = nil, method: Int = 0, mode: Int = 0, flags: Int = 0) {
    let sizes = [little(checksum ?? Self.crc32(bytes), 4), little(bytes.count, 4), little(bytes.count, 4), little(name.utf8.count, 2)]
    let version = little(20, 2)
    let isUTF8 = name.utf8.contains { $0 > 0x7F } ? 1 << 11 : 0
    // Version, flags, method (stored), time, date; then the sizes, and no extra field.
    let fields: [UInt8] =
      version + little(flags | isUTF8, 2) + little(method, 2) + little(0, 2) + little(0x21, 2) + Array(sizes.joined()) + little(0, 2)
    // The system that wrote it, 3 for Unix; comment, disk, two kinds of attributes, the latter with the mode of Unix.
    directory += little(0x0201_4B50, 4) + little(mode == 0 ? 20 : 3 << 8 | 20, 2) + fields + little(0, 6) + little(mode << 16, 4)
    directory += little(content.count, 4) + Array(name.utf8)
    content += little(0x0403_4B50, 4) + fields
    content += Array(name.utf8) + bytes
    count += 1
  }

  var bytes: [UInt8] {
    let counts: [UInt8] = little(count, 2) + little(count, 2) + little(directory.count, 4) + little(content.count, 4)
    let end: [UInt8] = little(0x0605_4B50, 4) + little(0, 4) + counts + little(0, 2)
    return content + directory + end
  }

  static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var register = ~UInt32(0)
    for byte in bytes {
      register ^= UInt32(byte)
      for _ in 0..<8 {
        let isOdd = register & 1 == 1
        register >>= 1
        if isOdd { register ^= 0xEDB8_8320 }
      }
    }
    return ~register
  }
}

/// An integer in little-endian bytes.
func little(_ value: some BinaryInteger, _ count: Int) -> [UInt8] {
  (0..<count).map { (place: Int) -> UInt8 in UInt8(truncatingIfNeeded: value >> (place * 8)) }
}

/// An integer in big-endian bytes.
func big(_ value: some BinaryInteger, _ count: Int) -> [UInt8] { little(value, count).reversed() }
