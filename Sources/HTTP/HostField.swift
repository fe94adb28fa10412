/// The `Host` field: `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2.2).
enum HostField {
  /// An empty host is refused: every target here is an http URI, and those have a host (RFC 9110 §4.2.1).
  static func isValid(_ value: String) -> Bool {
    let bytes = Array(value.utf8)
    guard let first = bytes.first, first != UInt8(ascii: ":") else { return false }
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

  /// `uri-host ":" port`, the target of CONNECT: it has no default port (RFC 9110 §9.3.6).
  static func isAuthorityWithPort(_ value: String) -> Bool {
    guard isValid(value), let colon = value.utf8.lastIndex(of: UInt8(ascii: ":")) else { return false }
    let digits = value.utf8[value.utf8.index(after: colon)...]
    return !digits.isEmpty && digits.allSatisfy(ASCII.isDigit)
  }

  private static func isRegName(_ byte: UInt8) -> Bool {
    ASCII.isLetterOrDigit(byte) || "-._~%!$&'()*+,;=".utf8.contains(byte)
  }
}
