import HTTP

/// The hosts that a request may name as its own. Browsers on this machine reach the service too: a page from elsewhere must neither post
/// here nor, by a name that it makes point to this machine, read here.
struct AllowedHosts: Sendable {
  /// Names that a proxy in front of the service has, with or without a port, in lower case.
  private let names: Set<String>

  /// Any name is right, for a service that asks every caller for a token.
  private let allowsAny: Bool

  /// - Parameter publicHosts: as they stand in the settings.
  init(publicHosts: [String] = [], allowsAny: Bool = false) {
    names = Set(publicHosts.map(Self.canonical))
    self.allowsAny = allowsAny
  }

  /// - Throws: 421 for another host (RFC 9110 §15.5.20), 403 for another origin.
  func check(_ request: Request) throws {
    if !allowsAny, let host = request.headers[.hostField], !contains(authority: host) {
      let others = names.isEmpty ? "" : " or of the configured public_hosts"
      throw HTTPError(.foreignHost, "The Host must be this machine's own: 127.0.0.1, [::1] or localhost\(others).")
    }
    guard let origin = request.headers[.origin] else { return }
    guard let authority = Self.authority(ofOrigin: origin), contains(authority: authority) || isOwn(authority, of: request) else {
      throw HTTPError(.foreignOrigin, "A page of another origin may not use this service.")
    }
  }

  /// Whether the settings name it.
  func isPublic(_ authority: String) -> Bool {
    let whole = Self.canonical(authority)
    return names.contains(whole) || names.contains(Self.name(ofAuthority: whole))
  }

  /// Where any host is right, the origin must be the one that the request names.
  private func isOwn(_ authority: String, of request: Request) -> Bool {
    allowsAny && request.headers[.hostField].map(Self.canonical) == Self.canonical(authority)
  }

  private func contains(authority: String) -> Bool {
    if Self.isUsual(authority) { return true }
    let whole = Self.canonical(authority)
    let name = Self.name(ofAuthority: whole)
    return Self.isLoopback(name) || names.contains(name) || names.contains(whole)
  }

  /// Whether it is one of this machine's names as nearly every request writes it, which needs not be taken apart.
  private static func isUsual(_ authority: String) -> Bool {
    usual.contains { name in
      guard authority.utf8.starts(with: name) else { return false }
      let port = authority.utf8.dropFirst(name.count)
      return port.isEmpty || port.first == UInt8(ascii: ":") && port.dropFirst().allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }
  }

  private static let usual = ["127.0.0.1", "localhost", "[::1]"].map { Array($0.utf8) }

  /// Whether a name or address is this machine's own: 127.0.0.0/8 (RFC 1122), ::1 (RFC 4291), localhost (RFC 6761).
  static func isLoopback(_ host: String) -> Bool {
    let name = canonical(host)
    if name == "localhost" { return true }
    return NetworkRange.isLoopback(name.hasPrefix("[") && name.hasSuffix("]") ? String(name.dropFirst().dropLast()) : name)
  }

  /// In lower case, without the dot that ends an absolute name (RFC 1034 §3.1).
  private static func canonical(_ authority: String) -> String {
    let lower = HTTPText.lowercased(authority)
    let name = name(ofAuthority: lower)
    guard name.utf8.last == UInt8(ascii: "."), name.utf8.count > 1 else { return lower }
    return String(name.dropLast()) + String(lower.dropFirst(name.count))
  }

  /// `host` of `host:port`, an IPv6 address with its brackets.
  private static func name(ofAuthority authority: String) -> String {
    if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
    return String(authority.prefix { $0 != ":" })
  }

  /// `host:port` of `scheme://host:port`; nil for `null` and anything else (RFC 6454 §7.1).
  private static func authority(ofOrigin origin: String) -> String? {
    let parts = origin.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "http:" || parts[0] == "https:", parts[1].isEmpty else { return nil }
    return String(parts[2])
  }
}
