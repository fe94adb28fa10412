// Methods, statuses and header fields are those of swift-http-types. Importing HTTP imports them too.
@_exported import HTTPTypes

/// Texts of header fields as the layers above compare them.
package enum HTTPText {
  /// Only the letters A to Z change; Unicode's case folding would take the KELVIN SIGN for a `k`.
  package static func lowercased(_ text: some StringProtocol) -> String { ASCII.lowercased(text) }

  /// The elements of a list field, with blanks around them removed and empty ones left out (RFC 9110 §5.6.1). A quoted string may hold a
  /// comma.
  package static func list(_ values: [String]) -> [String] { values.flatMap { split($0, at: UInt8(ascii: ",")) } }

  /// The parts of an element, its value and its parameters (RFC 9110 §5.6.6).
  package static func parts(_ element: String) -> [String] { split(element, at: UInt8(ascii: ";")) }

  private static func split(_ text: String, at separator: UInt8) -> [String] {
    var parts: [[UInt8]] = [[]]
    var (isQuoted, isEscaped) = (false, false)
    for byte in text.utf8 {
      if byte == separator, !isQuoted {
        parts.append([])
        continue
      }
      if byte == UInt8(ascii: "\""), !isEscaped { isQuoted.toggle() }
      isEscaped = isQuoted && byte == UInt8(ascii: "\\") && !isEscaped
      parts[parts.count - 1].append(byte)
    }
    return parts.map { ASCII.trimmed(String(decoding: $0, as: UTF8.self)) }.filter { !$0.isEmpty }
  }
}

extension HTTPField.Name {
  /// A field name from a literal in the source.
  package static func constant(_ name: StaticString) -> HTTPField.Name {
    guard let field = HTTPField.Name("\(name)") else { preconditionFailure("\(name) is not a field name") }
    return field
  }

  static let forwardedFor = constant("X-Forwarded-For")
  /// nginx, ngx_http_proxy_module
  static let accelBuffering = constant("X-Accel-Buffering")
  package static let contentOptions = constant("X-Content-Type-Options")
  package static let requestID = constant("X-Request-Id")
  // The library does not define this name, because HTTP/2 transmits the host in another way.
  package static let hostField = constant("Host")
}
