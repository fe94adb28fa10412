import Files
import Foundation

/// The first 100 bytes of a database (sqlite.org/fileformat2.html#the_database_header).
struct DatabaseHeader {
  static let bytes = 100
  /// What SQLite makes unless it is told otherwise, which Temper never did.
  static let usualPageBytes = 4_096

  private(set) var content: [UInt8]

  init(_ content: [UInt8]) { self.content = content + [UInt8](repeating: 0, count: max(0, Self.bytes - content.count)) }

  /// `nil` when it is none that there can be.
  var pageBytes: Int? {
    let value = Int(content[16]) << 8 | Int(content[17])
    if value == 1 { return 65_536 }
    return (512...32_768).contains(value) && value & (value - 1) == 0 ? value : nil
  }

  /// What is wrong with the header of a database, as a phrase; `nil` for nothing, and for a file that is too short to have one.
  ///
  /// SQLite calls some of it damage, and some a database that may not be written, or one of a later version.
  static func fault(of database: URL) -> String? {
    guard let file = try? OpenFile(database), let content = WriteAheadLog.bytes(of: file, at: 0, count: bytes) else { return nil }
    return DatabaseHeader(content).fault
  }

  private var fault: String? {
    if Array(content[..<16]) != Self.magic { return "its header does not begin as that of a database" }
    if pageBytes == nil { return "its header has a size of pages that there is not" }
    let isKnown = content[18...19].allSatisfy { (1...2).contains($0) } && content[44..<47].allSatisfy { $0 == 0 } && content[47] <= 4
    if !isKnown { return "its header has the number of a format that there is not" }
    return Array(content[20...23]) == Self.fixed ? nil : "its header lacks what stands in every header"
  }

  private static let magic = Array("SQLite format 3".utf8) + [0]
  /// No reserved bytes, and the payload fractions that there must be.
  private static let fixed: [UInt8] = [0, 64, 32, 32]

  /// Writes what is the same in every database of Temper's, or follows from the file: a bit that flips there costs nothing then.
  ///
  /// The list of free pages, counters and numbers of versions stay; nothing is read by them alone.
  mutating func mend(pageBytes: Int, pages: Int) {
    set(0, Self.magic)
    set(16, pageBytes == 65_536 ? [0, 1] : [UInt8(pageBytes >> 8), UInt8(pageBytes & 0xFF)])
    // A database without a log.
    set(18, [1, 1] + Self.fixed)
    // The counter of changes, which vouches for the number of pages where it stands again at 92.
    set(28, Self.word(UInt32(clamping: pages)))
    set(92, Array(content[24..<28]))
    // The format of the schema; no vacuum of single pages, which a copy that is only read does without; UTF-8; the bytes that are reserved.
    set(44, Self.word(4))
    set(52, Self.word(0))
    set(56, Self.word(1))
    set(64, Self.word(0))
    set(72, [UInt8](repeating: 0, count: 20))
  }

  private mutating func set(_ offset: Int, _ bytes: [UInt8]) { content.replaceSubrange(offset..<offset + bytes.count, with: bytes) }

  private static func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
}
