/// A field value with parameters, `value; name=token; other="quoted"` (RFC 9110 §5.6.6).
struct FieldParameters: Equatable {
  /// The text before the first semicolon, in lower case.
  let value: String
  private let parameters: [String: String]

  /// Names are matched in lower case.
  subscript(name: String) -> String? { parameters[name] }

  /// nil when a parameter is malformed or occurs twice.
  init?(_ text: String) {
    let bytes = Array(text.utf8)
    let end = bytes.firstIndex(of: UInt8(ascii: ";")) ?? bytes.endIndex
    value = ASCII.lowercased(ASCII.trimmed(String(decoding: bytes[..<end], as: UTF8.self)))
    var rest = bytes[end...]
    var found: [String: String] = [:]
    while let (name, value) = Self.takeParameter(&rest) {
      guard found.updateValue(value, forKey: name) == nil else { return nil }
    }
    guard rest.isEmpty else { return nil }
    parameters = found
  }

  /// Takes one parameter. Returns nil at the end, and also at a malformed one; then `rest` is not empty.
  private static func takeParameter(_ rest: inout ArraySlice<UInt8>) -> (String, String)? {
    var bytes = rest
    dropBlanks(&bytes)
    guard bytes.first == UInt8(ascii: ";") else {
      if bytes.isEmpty { rest = bytes }
      return nil
    }
    while bytes.first == UInt8(ascii: ";") {
      bytes.removeFirst()
      dropBlanks(&bytes)
    }
    if bytes.isEmpty {
      rest = bytes
      return nil
    }
    let name = bytes.prefix(while: ASCII.isToken)
    bytes = bytes[name.endIndex...]
    guard !name.isEmpty, bytes.first == UInt8(ascii: "=") else { return nil }
    bytes.removeFirst()
    guard let value = bytes.first == UInt8(ascii: "\"") ? takeQuoted(&bytes) : takeToken(&bytes) else { return nil }
    rest = bytes
    return (ASCII.lowercased(String(decoding: name, as: UTF8.self)), value)
  }

  private static func takeToken(_ bytes: inout ArraySlice<UInt8>) -> String? {
    let token = bytes.prefix(while: ASCII.isToken)
    bytes = bytes[token.endIndex...]
    return token.isEmpty ? nil : String(decoding: token, as: UTF8.self)
  }

  /// A backslash escapes only a quote or a backslash, because old browsers send Windows paths with bare backslashes.
  private static func takeQuoted(_ bytes: inout ArraySlice<UInt8>) -> String? {
    bytes.removeFirst()
    var text: [UInt8] = []
    while let byte = bytes.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\") where bytes.first == UInt8(ascii: "\"") || bytes.first == UInt8(ascii: "\\"):
        if let escaped = bytes.popFirst() { text.append(escaped) }
      default: text.append(byte)
      }
    }
    return nil
  }

  private static func dropBlanks(_ bytes: inout ArraySlice<UInt8>) {
    bytes = bytes.drop { $0 == ASCII.space || $0 == ASCII.tab }
  }
}
