/// `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )` (RFC 9112 §7.1.1): what may stand behind a chunk size.
enum ChunkExtensions {
  static func areValid(_ bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      guard take(UInt8(ascii: ";"), &rest) else { return false }
      dropBlanks(&rest)
      guard takeToken(&rest) else { return false }
      var value = rest
      if take(UInt8(ascii: "="), &value) {
        dropBlanks(&value)
        guard takeToken(&value) || takeQuoted(&value) else { return false }
        rest = value
      }
    }
    return true
  }

  /// Takes blanks and then `byte`. Takes nothing when another byte follows the blanks.
  private static func take(_ byte: UInt8, _ rest: inout ArraySlice<UInt8>) -> Bool {
    var behind = rest
    dropBlanks(&behind)
    guard behind.first == byte else { return false }
    rest = behind.dropFirst()
    return true
  }

  private static func takeToken(_ rest: inout ArraySlice<UInt8>) -> Bool {
    let length = rest.prefix(while: ASCII.isToken).count
    rest = rest.dropFirst(length)
    return length > 0
  }

  /// `quoted-string` (RFC 9110 §5.6.4)
  private static func takeQuoted(_ rest: inout ArraySlice<UInt8>) -> Bool {
    guard rest.popFirst() == UInt8(ascii: "\"") else { return false }
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return true
      case UInt8(ascii: "\\"):
        guard let escaped = rest.popFirst(), ASCII.isFieldContent(escaped) else { return false }
      default: guard ASCII.isFieldContent(byte) else { return false }
      }
    }
    return false
  }

  private static func dropBlanks(_ bytes: inout ArraySlice<UInt8>) {
    bytes = bytes.drop { $0 == ASCII.space || $0 == ASCII.tab }
  }
}
