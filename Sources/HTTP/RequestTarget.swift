/// The target in a request line (RFC 9112 §3.2).
package struct RequestTarget: Sendable, Equatable {
  /// The target as it was sent, with its query.
  package let raw: String
  /// The target as it was sent, without its query; `*` for `OPTIONS *`.
  package let path: String
  /// The percent-decoded segments: `/v1/jobs` has `["v1", "jobs"]`, `/` has none, and a slash at the end adds an empty one.
  package let segments: [String]
  package let query: Query
  /// What an absolute-form target names; nil in all other forms.
  let absolute: Absolute?

  /// Scheme and authority of an absolute-form target, which stand in place of `Host` (RFC 9112 §3.2.2).
  struct Absolute: Sendable, Equatable {
    /// The scheme is `https`, not `http`.
    let isSecure: Bool
    let authority: String
  }

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
      guard method == .options || HostField.isAuthorityWithPort(raw) else {
        throw .badRequest("The target of CONNECT is a host and a port.")
      }
      absolute = nil
      path = raw
      segments = []
      query = Query()
      return
    }
    let (origin, absolute) = try Self.split(raw)
    self.absolute = absolute
    let mark = origin.utf8.firstIndex(of: UInt8(ascii: "?"))
    let pathBytes = origin.utf8[..<(mark ?? origin.utf8.endIndex)]
    path = String(Substring(pathBytes))
    do {
      var decoded: [String] = []
      for segment in pathBytes.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
        decoded.append(try PercentEncoding.decode(segment))
      }
      segments = decoded == [""] ? [] : decoded
    } catch {
      throw .badRequest("The path \(error).")
    }
    do {
      if let mark { query = try Query(decoding: origin[origin.utf8.index(after: mark)...]) } else { query = Query() }
    } catch {
      throw .badRequest("The query \(error).")
    }
  }

  /// The origin form of a target, and what stands before it in the absolute form, which a server must accept too (RFC 9112 §3.2.2).
  private static func split(_ raw: String) throws(HTTPError) -> (Substring, Absolute?) {
    if raw.utf8.first == UInt8(ascii: "/") { return (raw[...], nil) }
    let lower = ASCII.lowercased(raw.prefix(8))
    let scheme = lower.hasPrefix("http://") ? 7 : lower == "https://" ? 8 : 0
    guard scheme > 0 else { throw .badRequest("The request target must begin with a slash, or be an http URL.") }
    let rest = raw.dropFirst(scheme)
    let authority = String(rest.prefix { $0 != "/" && $0 != "?" })
    guard HostField.isValid(authority) else { throw .badRequest("The URL in the request line has no valid host.") }
    let tail = rest.dropFirst(authority.count)
    return (tail.hasPrefix("/") ? tail : "/" + tail, Absolute(isSecure: scheme == 8, authority: authority))
  }
}
