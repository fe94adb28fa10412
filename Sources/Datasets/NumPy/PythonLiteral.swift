/// The subset of Python's literals that headers of NPY files use.
enum PythonLiteral: Equatable {
  case string(String)
  case bool(Bool)
  case integer(Int)
  case none
  case sequence([PythonLiteral])
  case dictionary([String: PythonLiteral])

  /// - Returns: nil for anything but one literal. White space around it is allowed.
  init?(_ text: [UInt8]) {
    var scanner = Scanner(text: text)
    guard let value = scanner.value(depth: 0), scanner.isAtEnd() else { return nil }
    self = value
  }

  private struct Scanner {
    let text: [UInt8]
    var position = 0

    mutating func value(depth: Int) -> PythonLiteral? {
      guard depth < 8, let next = peek() else { return nil }
      switch next {
      case UInt8(ascii: "{"): return dictionary(depth: depth)
      case UInt8(ascii: "("): return sequence(until: UInt8(ascii: ")"), depth: depth)
      case UInt8(ascii: "["): return sequence(until: UInt8(ascii: "]"), depth: depth)
      case UInt8(ascii: "'"), UInt8(ascii: "\""): return string().map(PythonLiteral.string)
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return integer()
      default: return word()
      }
    }

    mutating func isAtEnd() -> Bool { peek() == nil }

    /// The next byte that is not white space.
    private mutating func peek() -> UInt8? {
      while position < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) { position += 1 }
      return position < text.count ? text[position] : nil
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
      guard peek() == byte else { return false }
      position += 1
      return true
    }

    private mutating func dictionary(depth: Int) -> PythonLiteral? {
      position += 1
      var entries = [String: PythonLiteral]()
      while !skip(UInt8(ascii: "}")) {
        guard let quote = peek(), [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(quote), let key = string(),
          skip(UInt8(ascii: ":")), let value = value(depth: depth + 1), entries.updateValue(value, forKey: key) == nil,
          skip(UInt8(ascii: ",")) || peek() == UInt8(ascii: "}")
        else { return nil }
      }
      return .dictionary(entries)
    }

    private mutating func sequence(until close: UInt8, depth: Int) -> PythonLiteral? {
      position += 1
      var values = [PythonLiteral]()
      while !skip(close) {
        guard let value = value(depth: depth + 1), skip(UInt8(ascii: ",")) || peek() == close else { return nil }
        values.append(value)
      }
      return .sequence(values)
    }

    /// Escapes are not supported, because NumPy's headers of plain arrays have none.
    private mutating func string() -> String? {
      let quote = text[position]
      guard let end = text[(position + 1)...].firstIndex(of: quote), !text[position..<end].contains(UInt8(ascii: "\\")) else { return nil }
      defer { position = end + 1 }
      return String(decoding: text[(position + 1)..<end], as: UTF8.self)
    }

    private mutating func integer() -> PythonLiteral? {
      let end = text[(position + 1)...].firstIndex { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? text.count
      guard let value = Int(String(decoding: text[position..<end], as: UTF8.self)) else { return nil }
      position = end
      // Python 2 wrote long integers with an L.
      if end < text.count, text[end] == UInt8(ascii: "L") { position += 1 }
      return .integer(value)
    }

    private mutating func word() -> PythonLiteral? {
      let words: [(String, PythonLiteral)] = [("True", .bool(true)), ("False", .bool(false)), ("None", .none)]
      for (word, value) in words where text[position...].starts(with: word.utf8) {
        position += word.utf8.count
        return value
      }
      return nil
    }
  }
}
