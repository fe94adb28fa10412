/// Character classes of HTTP's grammar (RFC 9110 §5.6.2, RFC 5234 appendix B).
enum ASCII {
  static let cr = UInt8(ascii: "\r")
  static let lf = UInt8(ascii: "\n")
  static let space = UInt8(ascii: " ")
  static let tab = UInt8(ascii: "\t")

  static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
  }

  /// `tchar`
  static func isToken(_ byte: UInt8) -> Bool {
    if isLetterOrDigit(byte) { return true }
    // ! # $ % & ' * + - . ^ _ ` | ~
    switch byte {
    case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: return true
    default: return false
    }
  }

  /// The bytes that a field value may hold: visible ones, blanks, and `obs-text` (RFC 9110 §5.5).
  static func isFieldContent(_ byte: UInt8) -> Bool { byte == tab || (byte >= 0x20 && byte != 0x7F) }

  static func hexValue(_ byte: UInt8) -> Int? {
    switch byte {
    case 0x30...0x39: Int(byte) - 0x30
    case 0x41...0x46: Int(byte) - 0x41 + 10
    case 0x61...0x66: Int(byte) - 0x61 + 10
    default: nil
    }
  }

  /// The value of decimal digits; nil for anything else and for a number that does not fit.
  static func decimal(_ bytes: some Collection<UInt8>) -> Int? {
    guard !bytes.isEmpty else { return nil }
    var value = 0
    for byte in bytes {
      guard isDigit(byte) else { return nil }
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(Int(byte) - 0x30)
      guard !overflow, !carry else { return nil }
      value = sum
    }
    return value
  }

  /// The elements of a comma-separated list of tokens, lower case, empty ones left out (RFC 9110 §5.6.1).
  static func list(_ values: [String]) -> [String] {
    if values.isEmpty { return [] }
    return list(of: values)
  }

  private static func list(of values: [String]) -> [String] {
    values.flatMap { $0.utf8.split(separator: UInt8(ascii: ",")).map { Substring($0) } }
      .map { lowercased(trimmed($0)) }
      .filter { !$0.isEmpty }
  }

  /// Only the letters A to Z change. Unicode's case folding would make `k` of the KELVIN SIGN, and so accept names that no other
  /// implementation accepts.
  static func lowercased(_ text: some StringProtocol) -> String {
    guard text.utf8.contains(where: { (0x41...0x5A).contains($0) }) else { return String(text) }
    return String(decoding: text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
  }

  /// The text up to the first byte that is `byte`. Characters are not compared: in Swift the GREEK QUESTION MARK equals a semicolon.
  static func text(_ text: String, before byte: UInt8) -> String { String(Substring(text.utf8.prefix { $0 != byte })) }

  /// The text without the blanks around it (`OWS`).
  static func trimmed(_ text: some StringProtocol) -> String {
    let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    guard let first = text.firstIndex(where: { !blank($0) }), let last = text.lastIndex(where: { !blank($0) }) else { return "" }
    return String(text[first...last])
  }
}
