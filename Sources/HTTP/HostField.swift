/// The `Host` field: `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2.2).
enum HostField {
  /// An empty host is valid; it means a target without an authority.
  static func isValid(_ value: String) -> Bool {
    let bytes = Array(value.utf8)
    if bytes.first == UInt8(ascii: "[") {
      guard let end = bytes.firstIndex(of: UInt8(ascii: "]")), end > 1 else { return false }
      let literal = bytes[1..<end].allSatisfy { ASCII.hexValue($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
      return literal && isPort(bytes[(end + 1)...])
    }
    let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
    return bytes[..<end].allSatisfy(isRegName) && isPort(bytes[end...])
  }

  /// Empty, or a colon and up to five digits.
  private static func isPort(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard let colon = bytes.first else { return true }
    let digits = bytes.dropFirst()
    guard colon == UInt8(ascii: ":"), digits.count <= 5 else { return false }
    return digits.isEmpty || (ASCII.decimal(digits).map { $0 <= 65_535 } ?? false)
  }

  private static func isRegName(_ byte: UInt8) -> Bool {
    ASCII.isLetterOrDigit(byte) || "-._~%!$&'()*+,;=".utf8.contains(byte)
  }
}
