/// The target in a request line (RFC 9112 §3.2).
package struct RequestTarget: Sendable, Equatable {
  /// The target as it was sent, with its query.
  package let raw: String
  /// The target as it was sent, without its query; `*` for `OPTIONS *`.
  package let path: String
  /// The percent-decoded segments: `/v1/jobs` has `["v1", "jobs"]`, `/` has none, and a slash at the end adds an empty one.
  package let segments: [String]
  package let query: Query

  /// Whether it names a resource of this server, and not the server itself (`*`) or another one (CONNECT).
  var isPath: Bool { path.utf8.first == UInt8(ascii: "/") }

  /// - Throws: a 400 that says what is wrong with the target.
  package init(parsing raw: String, method: HTTPRequest.Method = .get) throws(HTTPError) {
    guard raw.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
      throw .badRequest("The request target holds a character that must be percent-encoded.")
    }
    self.raw = raw
    // The asterisk form and the authority form are each valid for one method only (RFC 9112 §3.2.3, §3.2.4).
    if (raw == "*" && method == .options) || method == .connect {
      path = raw
      segments = []
      query = Query()
      return
    }
    let origin = try Self.originForm(raw)
    let mark = origin.utf8.firstIndex(of: UInt8(ascii: "?"))
    let pathBytes = origin.utf8[..<(mark ?? origin.utf8.endIndex)]
    path = String(Substring(pathBytes))
    var decoded: [String] = []
    for segment in pathBytes.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard let text = PercentEncoding.decode(segment) else {
        throw .badRequest("The path holds a broken percent-escape, or escapes that are not UTF-8 text.")
      }
      decoded.append(text)
    }
    segments = decoded == [""] ? [] : decoded
    guard let mark else {
      query = Query()
      return
    }
    guard let query = Query(parsing: origin[origin.utf8.index(after: mark)...]) else {
      throw .badRequest("The query holds a broken percent-escape, or escapes that are not UTF-8 text.")
    }
    self.query = query
  }

  /// A server must accept the absolute form too (RFC 9112 §3.2.2).
  private static func originForm(_ raw: String) throws(HTTPError) -> Substring {
    if raw.utf8.first == UInt8(ascii: "/") { return raw[...] }
    let lower = raw.prefix(8).lowercased()
    let scheme = lower.hasPrefix("http://") ? 7 : lower == "https://" ? 8 : 0
    guard scheme > 0 else { throw .badRequest("The request target must begin with a slash, or be an http URL.") }
    let rest = raw.dropFirst(scheme)
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    guard !authority.isEmpty, HostField.isValid(String(authority)) else {
      throw .badRequest("The URL in the request line has no valid host.")
    }
    let tail = rest.dropFirst(authority.count)
    return tail.hasPrefix("/") ? tail : "/" + tail
  }
}
