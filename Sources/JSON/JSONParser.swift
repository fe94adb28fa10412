import Foundation

/// Why a text is not JSON, and where.
package struct JSONSyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
  package let message: String
  /// In bytes from the start.
  package let offset: Int
  /// From 1; the column counts bytes.
  package let line: Int
  package let column: Int

  package var description: String { "line \(line), column \(column): \(message)" }
}

extension JSONValue {
  /// Reads one JSON document (RFC 8259), strictly: UTF-8, nothing after it but blanks, no key twice in an object, no
  /// number too large for a `Double`, no more than 128 levels.
  ///
  /// - Throws: `JSONSyntaxError`.
  package init(parsing bytes: some Sequence<UInt8>) throws {
    var parser = JSONParser(Array(bytes))
    self = try parser.document()
  }

  package init(parsing text: String) throws { try self.init(parsing: text.utf8) }
}

/// A recursive-descent parser over bytes.
struct JSONParser {
  private static let maximumDepth = 128
  private let bytes: [UInt8]
  private var position = 0
  /// The bytes of each value by its RFC 6901 pointer, a member's with its key; nil when nobody asks for them.
  private(set) var ranges: [String: Range<Int>]?
  /// The pointer of the value that is being read.
  private var pointer = ""

  init(_ bytes: [UInt8], recordsRanges: Bool = false) {
    self.bytes = bytes
    if recordsRanges { ranges = [:] }
  }

  mutating func document() throws -> JSONValue {
    // Editors on Windows write one, and a reader may pass over it (RFC 8259, 8.1).
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    let value = try value(depth: 0)
    skipSpace()
    if position < bytes.count { throw fault("\(here) after the end of the document") }
    return value
  }

  private mutating func value(depth: Int) throws -> JSONValue {
    skipSpace()
    guard depth < Self.maximumDepth else { throw fault("more than \(Self.maximumDepth) levels of arrays and objects") }
    switch peek {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return try number()
    default: throw fault("a value expected, not \(here)")
    }
  }

  /// Reads the value of a member or of an element, and records where it stands.
  private mutating func value(named token: @autoclosure () -> String, from start: Int, depth: Int) throws -> JSONValue {
    guard ranges != nil else { return try value(depth: depth) }
    let above = pointer
    pointer = FieldReader.pointer(above, token())
    let value = try value(depth: depth)
    ranges?[pointer] = start..<position
    pointer = above
    return value
  }

  private mutating func object(depth: Int) throws -> JSONValue {
    var object = JSONObject()
    position += 1
    skipSpace()
    if take("}") { return .object(object) }
    repeat {
      let comma = position - 1
      skipSpace()
      if peek == UInt8(ascii: "}"), !object.keys.isEmpty { throw trailingComma(at: comma) }
      guard peek == UInt8(ascii: "\"") else { throw fault("a key in double quotes expected, not \(here)") }
      let start = position
      let key = try string()
      guard object[key] == nil else { throw fault("the key \"\(key)\" a second time in one object", at: start) }
      skipSpace()
      guard take(":") else { throw fault("':' expected after the key \"\(key)\", not \(here)") }
      object[key] = try value(named: key, from: start, depth: depth + 1)
      skipSpace()
    } while take(",")
    guard take("}") else { throw fault("',' or '}' expected, not \(here)") }
    return .object(object)
  }

  private mutating func array(depth: Int) throws -> JSONValue {
    var elements: [JSONValue] = []
    position += 1
    skipSpace()
    if take("]") { return .array(elements) }
    repeat {
      let comma = position - 1
      skipSpace()
      if peek == UInt8(ascii: "]"), !elements.isEmpty { throw trailingComma(at: comma) }
      elements.append(try value(named: String(elements.count), from: position, depth: depth + 1))
      skipSpace()
    } while take(",")
    guard take("]") else { throw fault("',' or ']' expected, not \(here)") }
    return .array(elements)
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws -> JSONValue {
    guard bytes[position...].starts(with: word.utf8) else { throw fault("a value expected, not \(here)") }
    position += word.utf8.count
    return value
  }

  private mutating func number() throws -> JSONValue {
    let start = position
    _ = take("-")
    let whole = digits()
    if whole == 0 { throw fault("a digit expected, not \(here)") }
    if whole > 1 && bytes[position - whole] == UInt8(ascii: "0") { throw fault("a number with a leading zero", at: start) }
    var isWhole = true
    if take(".") {
      isWhole = false
      if digits() == 0 { throw fault("a digit expected after the point, not \(here)") }
    }
    if take("e") || take("E") {
      isWhole = false
      if !take("+") { _ = take("-") }
      if digits() == 0 { throw fault("a digit expected in the exponent, not \(here)") }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isWhole, let value = Int64(text) { return .int(value) }
    guard let value = Double(text), value.isFinite else { throw fault("a number too large to hold", at: start) }
    return .number(value)
  }

  /// Takes digits, and says how many.
  private mutating func digits() -> Int {
    let start = position
    while let byte = peek, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
    return position - start
  }

  private mutating func string() throws -> String {
    let opening = position
    var content: [UInt8] = []
    position += 1
    // Bytes up to the next escape are taken together.
    var start = position
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\""):
        let string =
          content.isEmpty
          ? String(validating: bytes[start..<position], as: UTF8.self)
          : String(validating: content + bytes[start..<position], as: UTF8.self)
        guard let string else { throw fault("a string that is not UTF-8", at: opening) }
        position += 1
        return string
      case UInt8(ascii: "\\"):
        content += bytes[start..<position]
        content += Array(String(try escape()).utf8)
        start = position
      case 0..<0x20: throw fault("a control character in a string; write it as an escape")
      default: position += 1
      }
    }
    throw fault("a string without its closing quote", at: opening)
  }

  private mutating func escape() throws -> Unicode.Scalar {
    let start = position
    position += 1
    guard let byte = peek else { throw fault("an escape cut off", at: start) }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape(start)
    default: throw fault("an escape that JSON does not have", at: start)
    }
  }

  private mutating func unicodeEscape(_ start: Int) throws -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    // Half of a surrogate pair (RFC 8259, 7): the other half must follow.
    guard first < 0xDC00, take("\\"), take("u") else { throw fault("half of a surrogate pair", at: start) }
    let second = try hexadecimal()
    guard 0xDC00...0xDFFF ~= second, let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) else {
      throw fault("half of a surrogate pair", at: start)
    }
    return scalar
  }

  private mutating func hexadecimal() throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw fault("four hexadecimal digits expected after \\u, not \(here)")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  // MARK: Bytes

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  /// What stands at the position, as an error names it.
  private var here: String {
    guard let byte = peek else { return "the end of the text" }
    return 0x21...0x7E ~= byte ? "'\(Character(Unicode.Scalar(byte)))'" : "the byte 0x\(String(byte, radix: 16, uppercase: true))"
  }

  private func trailingComma(at offset: Int) -> JSONSyntaxError {
    fault("a comma after the last entry; JSON has commas only between two", at: offset)
  }

  private func fault(_ message: String, at offset: Int? = nil) -> JSONSyntaxError {
    let offset = offset ?? position
    let before = bytes[..<offset]
    let line = before.count { $0 == 0x0A } + 1
    let column = offset - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
    return JSONSyntaxError(message: message, offset: offset, line: line, column: column)
  }
}
