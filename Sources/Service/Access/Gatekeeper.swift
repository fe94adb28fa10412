import HTTP
import Jobs

/// Decides who makes a request, and whether they may.
final class Gatekeeper: Sendable {
  let sessions = Sessions()
  private let store: Store
  private let hosts: AllowedHosts
  private let rate: RequestRate

  init(_ store: Store, _ hosts: AllowedHosts, requestsPerMinute: Int?) {
    self.store = store
    self.hosts = hosts
    rate = RequestRate(perMinute: requestsPerMinute)
  }

  /// Whether requests need a token.
  var needsTokens: Bool { store.needsTokens }

  /// - Throws: 401 without a good token, 403 for one whose role does not allow this.
  func admit(_ request: Request, _ access: Endpoint.Access) throws -> Caller {
    guard access != .anyone, needsTokens else { return .anybody }
    let token = try token(of: request)
    let caller = Caller(viewer: Viewer(owner: token.owner), role: token.role, token: token)
    guard let needed = access.role, caller.role >= needed else {
      throw HTTPError(
        .forbidden, "The token's role is \(token.role.rawValue), and this needs \(access.rawValue).",
        headers: [.wwwAuthenticate: "Bearer realm=\"temper\", error=\"insufficient_scope\""])
    }
    request.notes.caller = token.name
    return caller
  }

  /// Counts a request that is about to be answered.
  /// - Throws: 429 for too many requests of an owner.
  func count(_ caller: Caller) throws {
    guard let token = caller.token, let seconds = rate.wait(of: token.owner) else { return }
    throw HTTPError(
      .tooManyRequests, "\(token.owner) has made as many requests in the last minute as are taken.",
      headers: [.retryAfter: String(seconds)])
  }

  private func token(of request: Request) throws -> Token {
    let fields = request.headers[values: .authorization]
    if fields.isEmpty, let token = try tokenOfCookie(request) { return token }
    guard let field = fields.first else { throw Self.unauthorized("A token is needed: Authorization: Bearer TOKEN.", isGiven: false) }
    let words = field.split(separator: " ", omittingEmptySubsequences: true)
    guard fields.count == 1, words.count == 2, HTTPText.lowercased(words[0]) == "bearer" else {
      throw Self.unauthorized("The Authorization field must be Bearer and a token.", isGiven: true)
    }
    guard let token = store.token(withSecret: String(words[1])) else {
      throw Self.unauthorized("The token is none of this service's, has expired, or was revoked.", isGiven: true)
    }
    return token
  }

  /// RFC 6750 §3
  private static func unauthorized(_ detail: String, isGiven: Bool) -> HTTPError {
    HTTPError(
      .unauthorized, detail, headers: [.wwwAuthenticate: "Bearer realm=\"temper\"" + (isGiven ? ", error=\"invalid_token\"" : "")])
  }

  // MARK: Pages

  /// A cookie comes with every request of a browser, whichever page makes it: one that changes something must come from a page of our own.
  private func tokenOfCookie(_ request: Request) throws -> Token? {
    guard let secret = Self.cookie(of: request), let id = sessions.token(of: secret), let token = store.validToken(id) else { return nil }
    guard request.method == .get || request.method == .head || isOfOwnPage(request) else {
      throw HTTPError(.foreignOrigin, "With a session cookie, only a page of this service may change something.")
    }
    return token
  }

  static func cookie(of request: Request) -> String? {
    let pairs = request.headers[values: .cookie].flatMap { HTTPText.parts($0) }
    return pairs.first { $0.hasPrefix("\(Sessions.cookie)=") }.map { String($0.dropFirst(Sessions.cookie.count + 1)) }
  }

  /// Whether `Origin` names the host that the request is for, or a public one: a proxy may have changed `Host`.
  private func isOfOwnPage(_ request: Request) -> Bool {
    guard let origin = request.headers[.origin], let host = request.headers[.hostField] else { return false }
    let parts = origin.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 3 && (HTTPText.lowercased(parts[2]) == HTTPText.lowercased(host) || hosts.isPublic(String(parts[2])))
  }
}

extension Endpoint.Access {
  /// The least role; `nil` where no token is needed.
  var role: Role? { Role(rawValue: rawValue) }
}
