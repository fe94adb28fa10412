import Files

/// Goes through the rows of a CSV file (RFC 4180): fields between commas, in quotes where they hold commas, quotes or line breaks.
struct CSVRows {
  let file: OpenFile

  /// The longest row, in bytes.
  static let longestRow = 1 << 24

  /// Passes each row to `take`: its number from 1, its bytes without quotes, and where its fields end in them. Empty lines count for nothing.
  func forEach(_ take: (_ number: Int, _ row: CSVRow) throws -> Void) throws {
    let source: any ByteSource = try GzipSource.recognises(file) ? GzipSource(file) : FileSource(file)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { buffer.deallocate() }
    var row = CSVRow()
    var number = 1
    func end() throws {
      if row.isEmpty { return }
      row.endField()
      try take(number, row)
      number += 1
      row.clear()
    }
    while true {
      let count = try source.read(into: buffer)
      if count == 0 { break }
      for byte in buffer[..<count] where row.take(byte) { try end() }
      guard row.bytes.count <= Self.longestRow else {
        throw DatasetError(part: file.title, "row \(number) is longer than \(Self.longestRow) bytes; a quote may be open")
      }
    }
    guard !row.isQuoted else { throw DatasetError(part: file.title, "row \(number) has a quote that is never closed") }
    try end()
  }
}

/// A row of a CSV file.
struct CSVRow {
  fileprivate(set) var bytes: [UInt8] = []
  /// Where each field ends in `bytes`.
  private(set) var ends: [Int] = []
  fileprivate var isQuoted = false
  private var wasQuote = false
  /// Whether anything but the row's end was there.
  private var hasContent = false

  fileprivate var isEmpty: Bool { !hasContent }

  var count: Int { ends.count }

  subscript(place: Int) -> ArraySlice<UInt8> { bytes[(place == 0 ? 0 : ends[place - 1])..<ends[place]] }

  func text(_ place: Int) -> String { String(decoding: self[place], as: UTF8.self) }

  /// - Returns: whether the row ends here.
  fileprivate mutating func take(_ byte: UInt8) -> Bool {
    defer { wasQuote = byte == UInt8(ascii: "\"") && !wasQuote }
    switch byte {
    case UInt8(ascii: "\""):
      // Two in a row within quotes stand for one.
      if !isQuoted, wasQuote { bytes.append(byte) }
      isQuoted.toggle()
      hasContent = true
    case UInt8(ascii: "\n") where !isQuoted: return true
    case UInt8(ascii: "\r") where !isQuoted: break
    case UInt8(ascii: ",") where !isQuoted:
      endField()
      hasContent = true
    default:
      bytes.append(byte)
      hasContent = true
    }
    return false
  }

  fileprivate mutating func endField() { ends.append(bytes.count) }

  fileprivate mutating func clear() {
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    (isQuoted, wasQuote, hasContent) = (false, false, false)
  }
}
