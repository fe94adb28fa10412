import HTTP

/// Whoever reaches this service may do everything, so that only this machine may reach it.
enum Loopback {
  /// Whether a name or address is this machine's own: 127.0.0.0/8 (RFC 1122), ::1 (RFC 4291), localhost (RFC 6761).
  static func contains(_ host: String) -> Bool {
    let name = host.lowercased()
    if ["localhost", "::1", "[::1]"].contains(name) { return true }
    let numbers = name.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    return numbers.count == 4 && numbers.allSatisfy { $0 != nil } && numbers[0] == 127
  }

  /// Browsers on this machine reach it too: a page from elsewhere must neither post here nor, by a name that it makes point to
  /// this machine, read here.
  /// - Throws: 421 for another host (RFC 9110 §15.5.20), 403 for another origin.
  static func check(_ request: Request) throws {
    if let host = request.headers[.hostField], !contains(name(ofAuthority: host)) {
      throw HTTPError(.foreignHost, "The Host must be this machine's own: 127.0.0.1, [::1] or localhost.")
    }
    guard let origin = request.headers[.origin] else { return }
    let parts = origin.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, contains(name(ofAuthority: String(parts[2]))) else {
      throw HTTPError(.foreignOrigin, "A page of another origin may not use this service.")
    }
  }

  /// `host` of `host:port`, an IPv6 address with its brackets.
  private static func name(ofAuthority authority: String) -> String {
    if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
    return String(authority.prefix { $0 != ":" })
  }
}
