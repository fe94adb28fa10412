/// `multipart/form-data` (RFC 7578, RFC 2046 §5.1) from bytes that come piece by piece. It holds no more than a delimiter's length of
/// a part's content.
package struct MultipartParser {
  package enum Event: Equatable {
    /// A part begins; `name` is its form field.
    case part(name: String)
    case content([UInt8])
    /// The part is whole.
    case endOfPart
  }

  /// Why bytes are no form, in a sentence.
  package struct Malformed: Error, Equatable {
    package let detail: String
    init(_ detail: String) { self.detail = detail }
  }

  private enum State { case preamble, delimiter, fields, content, epilogue }

  /// The most bytes of a part's own header.
  private static let mostFieldBytes = 16 * 1024
  private let delimiter: [UInt8]
  private var state = State.preamble
  private var pending: [UInt8]

  package init(boundary: String) {
    delimiter = Array("\r\n--\(boundary)".utf8)
    // The first delimiter may stand at the very beginning, without the line break that belongs to all others.
    pending = [13, 10]
  }

  /// The boundary that a `Content-Type` gives (RFC 2046 §5.1.1).
  package static func boundary(ofContentType field: String) throws(Malformed) -> String {
    guard let boundary = HeaderParameters(field)["boundary"] else { throw Malformed("The Content-Type gives no boundary.") }
    guard (1...70).contains(boundary.utf8.count), boundary.utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) else {
      throw Malformed("A boundary has 1 to 70 visible characters.")
    }
    return boundary
  }

  /// Whether the last delimiter has come.
  package var isComplete: Bool { state == .epilogue }

  /// What the next bytes of the body bring.
  package mutating func parse(_ bytes: [UInt8]) throws(Malformed) -> [Event] {
    guard state != .epilogue else { return [] }
    pending += bytes
    var events: [Event] = []
    while try step(&events) {}
    return events
  }

  /// Takes what can be taken; false when more bytes are needed.
  private mutating func step(_ events: inout [Event]) throws(Malformed) -> Bool {
    switch state {
    case .preamble:
      guard let start = find(delimiter) else {
        keepTail()
        return false
      }
      pending.removeFirst(start + delimiter.count)
      state = .delimiter
      return true
    case .delimiter: return try afterDelimiter()
    case .fields: return try fields(&events)
    case .content: return content(&events)
    case .epilogue: return false
    }
  }

  /// Behind a delimiter come `--` and the end, or blanks and the end of the line.
  private mutating func afterDelimiter() throws(Malformed) -> Bool {
    guard pending.count >= 2 else { return false }
    if pending.starts(with: Array("--".utf8)) {
      pending = []
      state = .epilogue
      return true
    }
    let blanks = pending.prefix { $0 == 0x20 || $0 == 0x09 }.count
    guard pending.count >= blanks + 2 else {
      guard blanks < 1024 else { throw Malformed("A delimiter is followed by neither the end of its line nor the end of the body.") }
      return false
    }
    guard pending[blanks] == 13, pending[blanks + 1] == 10 else {
      throw Malformed("A delimiter is followed by neither the end of its line nor the end of the body.")
    }
    // The line break stays: with the first field's line it is found as the empty line is.
    pending.removeFirst(blanks)
    state = .fields
    return true
  }

  private mutating func fields(_ events: inout [Event]) throws(Malformed) -> Bool {
    guard let end = find(Array("\r\n\r\n".utf8)) else {
      guard pending.count <= Self.mostFieldBytes else { throw Malformed("A part's header has more than \(Self.mostFieldBytes) bytes.") }
      return false
    }
    guard let text = String(validating: pending[..<end], as: UTF8.self) else { throw Malformed("A part's header is not UTF-8.") }
    pending.removeFirst(end + 4)
    events.append(.part(name: try Self.name(inHeader: text)))
    state = .content
    return true
  }

  private mutating func content(_ events: inout [Event]) -> Bool {
    let end = find(delimiter)
    // The last bytes may be the beginning of a delimiter.
    let count = end ?? max(0, pending.count - delimiter.count + 1)
    if count > 0 { events.append(.content(Array(pending[..<count]))) }
    pending.removeFirst(count)
    guard end != nil else { return false }
    pending.removeFirst(delimiter.count)
    events.append(.endOfPart)
    state = .delimiter
    return true
  }

  private static func name(inHeader text: String) throws(Malformed) -> String {
    // One Character is CR LF.
    for line in text.split(separator: "\r\n") {
      guard let colon = line.firstIndex(of: ":") else { throw Malformed("A line of a part's header has no colon.") }
      guard line[..<colon].lowercased() == "content-disposition" else { continue }
      let value = HeaderParameters(String(line[line.index(after: colon)...]))
      guard value.head == "form-data", let name = value["name"] else { break }
      return name
    }
    throw Malformed("A part has no Content-Disposition: form-data with a name.")
  }

  private mutating func keepTail() {
    let excess = pending.count - delimiter.count
    if excess > 0 { pending.removeFirst(excess) }
  }

  private func find(_ pattern: [UInt8]) -> Int? {
    pending.withUnsafeBufferPointer { bytes in
      pattern.withUnsafeBufferPointer { pattern in
        var start = 0
        while start + pattern.count <= bytes.count {
          let candidates = UnsafeBufferPointer(rebasing: bytes[start...(bytes.count - pattern.count)])
          guard let offset = candidates.firstIndex(of: pattern[0]) else { return nil }
          start += offset
          if UnsafeBufferPointer(rebasing: bytes[start..<start + pattern.count]).elementsEqual(pattern) { return start }
          start += 1
        }
        return nil
      }
    }
  }
}

/// `value; name=token; name="quoted \" string"` (RFC 9110 §5.6.6). Names are in lower case.
struct HeaderParameters {
  /// What stands before the first semicolon, in lower case.
  let head: String
  private var values: [String: String] = [:]

  subscript(name: String) -> String? { values[name] }

  init(_ field: String) {
    var parts: [String] = [""]
    var quoted = false
    var escaped = false
    for character in field {
      if escaped {
        parts[parts.count - 1].append(character)
        escaped = false
      } else if quoted, character == "\\" {
        escaped = true
      } else if character == "\"" {
        quoted.toggle()
      } else if character == ";", !quoted {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
    }
    head = parts[0].trimmingBlanks.lowercased()
    for part in parts.dropFirst() {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2 else { continue }
      values[pair[0].trimmingBlanks.lowercased()] = pair[1].trimmingBlanks
    }
  }
}
