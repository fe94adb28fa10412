/// Small data sets in the formats of uploads: 4×4 images of two classes.
enum ImageFiles {
  static let parts = ["train_images", "train_labels", "test_images", "test_labels"]

  /// An IDX file of `count` images, or as many as its header says less `missing` bytes.
  static func images(_ count: Int, missing: Int = 0) -> [UInt8] {
    let pixels = (0..<count * 16).map { UInt8(truncatingIfNeeded: $0 * 37) }
    return Array((big(0x803) + big(count) + big(4) + big(4) + pixels).dropLast(missing))
  }

  static func labels(_ count: Int) -> [UInt8] { big(0x801) + big(count) + (0..<count).map { UInt8($0 % 2) } }

  /// An NPZ archive with uncompressed entries (APPNOTE.TXT 4.3).
  static func npz(train: Int, test: Int) -> [UInt8] {
    func array(_ shape: String, _ bytes: [UInt8]) -> [UInt8] {
      var header = "{'descr': '|u1', 'fortran_order': False, 'shape': \(shape), }"
      header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
      return [0x93] + Array("NUMPY".utf8) + [1, 0] + little(118, 2) + Array(header.utf8) + bytes
    }
    func images(_ count: Int) -> [UInt8] { array("(\(count), 4, 4)", Array(ImageFiles.images(count).dropFirst(16))) }
    func labels(_ count: Int) -> [UInt8] { array("(\(count),)", Array(ImageFiles.labels(count).dropFirst(8))) }
    return archive([
      ("x_train.npy", images(train)), ("y_train.npy", labels(train)), ("x_test.npy", images(test)), ("y_test.npy", labels(test)),
    ])
  }

  /// A zip archive with uncompressed entries.
  static func archive(_ entries: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var content: [UInt8] = []
    var directory: [UInt8] = []
    for (name, bytes) in entries {
      var fields = little(20, 2) + little(0, 6) + little(0x21, 2) + little(Int(crc32(bytes)), 4)
      fields += little(bytes.count, 4) + little(bytes.count, 4) + little(name.utf8.count, 2) + little(0, 2)
      directory += little(0x0201_4B50, 4) + little(20, 2) + fields + little(0, 10) + little(content.count, 4) + Array(name.utf8)
      content += little(0x0403_4B50, 4) + fields + Array(name.utf8) + bytes
    }
    let counts = little(entries.count, 2) + little(entries.count, 2) + little(directory.count, 4) + little(content.count, 4)
    return content + directory + little(0x0605_4B50, 4) + little(0, 4) + counts + little(0, 2)
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var register = ~UInt32(0)
    for byte in bytes {
      register ^= UInt32(byte)
      for _ in 0..<8 { register = register & 1 == 1 ? register >> 1 ^ 0xEDB8_8320 : register >> 1 }
    }
    return ~register
  }

  private static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { (place: Int) -> UInt8 in UInt8(truncatingIfNeeded: value >> (place * 8)) }
  }

  private static func big(_ value: Int) -> [UInt8] { little(value, 4).reversed() }
}
