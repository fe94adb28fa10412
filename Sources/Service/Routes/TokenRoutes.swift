import HTTP
import JSON
import Jobs

/// Tokens, and the session of a page.
extension Routes {
  var tokenTable: [Endpoint] {
    [
      Endpoint(
        .post, "/v1/tokens", "createToken",
        "Make a token; its secret is in this answer and nowhere else. From the first one on, every request needs one.", access: .admin,
        scope: .service, body: .json(TokenRequest.object), answers: [201: "The token, with its secret."], handle: createToken),
      Endpoint(
        .get, "/v1/tokens", "listTokens", "The tokens, newest first, without their secrets.", access: .admin, scope: .service,
        parameters: Self.paging, handle: listTokens),
      Endpoint(
        .delete, "/v1/tokens/{id}", "revokeToken", "Revoke a token: no request with it is taken any more.", access: .admin, scope: .service,
        answers: [204: "It is gone."], handle: revokeToken),
      Endpoint(
        .post, "/v1/session", "beginSession",
        "For a page: a cookie in place of the token of this request. It serves GET, and other methods from pages of this service.",
        access: .read, scope: .service, answers: [200: "Who one is; the cookie is in Set-Cookie."], handle: beginSession),
      Endpoint(
        .delete, "/v1/session", "endSession", "End the session whose cookie comes with the request.", access: .anyone, scope: .service,
        answers: [204: "It has ended."], handle: endSession),
    ]
  }

  /// There is no Idempotency-Key here: to answer again, the secret would have to be kept.
  func createToken(_ call: Call) async throws -> Response {
    let body = try await JSONBody(call, limit: configuration.limits.specBytes)
    let wanted = try TokenRequest(reading: body.value)
    let made = try store.makeToken(name: wanted.name, owner: wanted.owner, role: wanted.role, expiresAt: wanted.expiresAt)
    return .document(made.json, status: .created, headers: [.cacheControl: "no-store"])
  }

  func listTokens(_ call: Call) async throws -> Response {
    let page = try store.tokens(after: call.after(.token), limit: call.limit)
    return try .resource(ListPage(items: page.elements.map(\.json), hasMore: page.hasMore).json, for: call.request)
  }

  func revokeToken(_ call: Call) async throws -> Response {
    try store.revokeToken(call.path("id"))
    return Response(status: .noContent)
  }

  func beginSession(_ call: Call) async throws -> Response {
    let caller = call.caller
    let identity: JSONValue = [
      "object": "session", "owner": .string(caller.viewer.maker), "role": .string(caller.role.rawValue),
      "expires_in": .orNull(caller.token.map { _ in Sessions.seconds }),
    ]
    var headers: HTTPFields = [.cacheControl: "no-store"]
    if let token = caller.token {
      let secure = configuration.tls.certificate != nil || configuration.isBehindTLS ? "; Secure" : ""
      headers[.setCookie] =
        "\(Sessions.cookie)=\(gate.sessions.begin(with: token)); Path=/; Max-Age=\(Sessions.seconds); HttpOnly; SameSite=Strict\(secure)"
    }
    return .document(identity, headers: headers)
  }

  func endSession(_ call: Call) async throws -> Response {
    if let secret = Gatekeeper.cookie(of: call.request) { gate.sessions.end(secret) }
    return Response(
      status: .noContent, headers: [.setCookie: "\(Sessions.cookie)=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"])
  }
}
