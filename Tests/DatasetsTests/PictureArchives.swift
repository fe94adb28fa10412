import Foundation
import Testing

/// Archives of pictures, written by hand.
enum PictureArchives {
  typealias Entry = (String, [UInt8])

  static func zip(_ entries: [Entry]) -> [UInt8] { entries.reduce(into: StoredArchive()) { $0.add($1.0, $1.1) }.bytes }

  /// A tar archive (POSIX.1-2017, pax, "ustar Interchange Format").
  ///
  /// - Parameter hasEnd: whether the zeros stand at its end that a whole archive has.
  static func tar(_ entries: [Entry], hasEnd: Bool = true) -> [UInt8] {
    entries.flatMap { entry($0.0, $0.1) } + [UInt8](repeating: 0, count: hasEnd ? 1_024 : 0)
  }

  /// - Parameters:
  ///   - kind: `0` for a file, `1` and `2` for links, `5` for a folder, `6` for a pipe.
  ///   - size: what the header says; the true one when nil.
  static func entry(_ name: String, _ bytes: [UInt8], kind: Character = "0", link: String = "", size: Int? = nil) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at place: Int) { header.replaceSubrange(place..<place + text.utf8.count, with: text.utf8) }
    func octal(_ value: Int, _ digits: Int) -> String {
      String(repeating: "0", count: digits - String(value, radix: 8).count) + String(value, radix: 8)
    }
    put(name, at: 0)
    put(octal(0o644, 7), at: 100)
    put(octal(size ?? bytes.count, 11), at: 124)
    put(octal(0, 11), at: 136)
    put("        ", at: 148)
    put(String(kind), at: 156)
    put(link, at: 157)
    put("ustar\u{0}00", at: 257)
    put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\u{0} ", at: 148)
    return header + bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
  }

  /// As gzip, without compression (RFC 1951, 3.2.4; RFC 1952).
  static func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
    var rest = bytes[...]
    repeat {
      let block = rest.prefix(65_535)
      rest = rest.dropFirst(block.count)
      stream.append(rest.isEmpty ? 1 : 0)
      stream += little(block.count, 2)
      stream += little(~UInt16(block.count), 2)
      stream += block
    } while !rest.isEmpty
    return stream + little(StoredArchive.crc32(bytes), 4) + little(bytes.count, 4)
  }

  /// A picture of the fixtures.
  static func picture(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: fixture("pictures/\(name)"))) }

  /// Each file twice for training and once for testing, in two classes.
  static func twoClasses(_ picture: [UInt8], _ ending: String = "png") -> [Entry] {
    ["train/a/1", "train/b/1", "test/a/1", "test/b/1"].map { ("\($0).\(ending)", picture) }
  }
}
