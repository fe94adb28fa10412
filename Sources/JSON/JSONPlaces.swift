/// Where each value of a JSON document stands in its text.
package struct JSONPlaces: Sendable {
  /// From 1; columns count characters (Unicode code points), and the end is the first place behind.
  package struct Place: Hashable, Sendable {
    package let line: Int
    package let column: Int
    package let endLine: Int
    package let endColumn: Int
  }

  private let bytes: [UInt8]
  private let ranges: [String: Range<Int>]

  /// - Throws: `JSONSyntaxError`.
  package init(parsing text: some Sequence<UInt8>) throws {
    bytes = Array(text)
    var parser = JSONParser(bytes, recordsRanges: true)
    _ = try parser.document()
    ranges = parser.ranges ?? [:]
  }

  /// Where the value at an RFC 6901 pointer stands, a member's with its key. Where there is none: the nearest above it, in the end the
  /// beginning of the document.
  package func place(of pointer: String) -> Place {
    var pointer = pointer
    while !pointer.isEmpty {
      if let range = ranges[pointer] { return place(of: range) }
      pointer = String(pointer[..<(pointer.lastIndex(of: "/") ?? pointer.startIndex)])
    }
    return place(of: 0..<min(1, bytes.count))
  }

  private func place(of range: Range<Int>) -> Place {
    let (line, column) = position(of: range.lowerBound)
    let (endLine, endColumn) = position(of: range.upperBound)
    return Place(line: line, column: column, endLine: endLine, endColumn: endColumn)
  }

  private func position(of offset: Int) -> (line: Int, column: Int) {
    let before = bytes[..<offset]
    let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    // A byte that continues a character of UTF-8 is no column of its own.
    return (before.count { $0 == 0x0A } + 1, before[start...].count { $0 & 0xC0 != 0x80 } + 1)
  }
}
