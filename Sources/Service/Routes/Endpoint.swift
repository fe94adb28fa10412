import HTTP
import JSON
import Jobs

/// How a thing is at the moment.
struct ResourceState: Sendable {
  let tag: EntityTag
  /// When it last changed; nil when that is not known.
  let modified: Timestamp?
}

/// A row of the table of routes.
struct Endpoint: Sendable {
  /// What a token must allow for its owner to use a route; `Gatekeeper` asks for it as soon as there are tokens.
  enum Access: String, Sendable {
    /// No token is needed.
    case anyone
    case read, submit, admin
  }

  /// Whose things a route shows or changes.
  enum Scope: String, Sendable {
    /// It has to do with nobody's.
    case service
    /// Those of the owner of the token; without tokens everything belongs to `local`.
    case owner
  }

  enum Body: Sendable {
    case none
    case json(ObjectType)
    /// The same, and without a body an empty object.
    case jsonOrNothing(ObjectType)
    /// Streamed, of one of these types.
    case upload([String])
  }

  let method: HTTPRequest.Method
  let path: String
  let name: String
  let summary: String
  let access: Access
  let scope: Scope
  /// What a request may carry behind `?`. A name with a `*` at its end stands for every name that begins so.
  let parameters: [Field]
  let body: Body
  /// The answers that go well: status to what it means.
  let answers: [Int: String]
  let types: [String]
  /// Whether `Idempotency-Key` is honoured.
  let creates: Bool
  /// For a route that changes a thing: how the thing is now, for `If-Match` and its kin (RFC 9110 §13). Its `handle` hands the condition
  /// of the call to the change.
  let present: (@Sendable (Call) throws -> ResourceState)?
  /// Answers from memory, without waiting for anything, on the socket's own queue; nil: ask `handle`.
  let atOnce: (@Sendable (Call) throws -> Response?)?
  let handle: @Sendable (Call) async throws -> Response

  /// - Parameters:
  ///   - name: `operationId` in `/openapi.json`.
  ///   - access, scope: without a default, so that no route is open by being forgotten.
  ///   - types: the media types of its good answers, the default first.
  init(
    _ method: HTTPRequest.Method, _ path: String, _ name: String, _ summary: String, access: Access, scope: Scope, parameters: [Field] = [],
    body: Body = .none, answers: [Int: String] = [200: "OK"], types: [String] = ["application/json"], creates: Bool = false,
    present: (@Sendable (Call) throws -> ResourceState)? = nil, atOnce: (@Sendable (Call) throws -> Response?)? = nil,
    handle: @escaping @Sendable (Call) async throws -> Response
  ) {
    self.method = method
    self.path = path
    self.name = name
    self.summary = summary
    self.access = access
    self.scope = scope
    self.parameters = parameters
    self.body = body
    self.answers = answers
    self.types = types
    self.creates = creates
    self.present = present
    self.atOnce = atOnce
    self.handle = handle
  }

  /// A document about the service that anyone may read, made without waiting for anything.
  init(
    _ path: String, _ name: String, _ summary: String, types: [String] = ["application/json"],
    atOnce: @escaping @Sendable (Call) throws -> Response
  ) {
    self.init(
      .get, path, name, summary, access: .anyone, scope: .service, types: types, atOnce: atOnce, handle: { try atOnce($0) })
  }

  /// The row as the router wants it: what the row does not know is refused before anything is done.
  func route(_ gate: Gatekeeper, _ store: Store) -> Router.Route {
    Router.Route(method, path, immediate: atOnce.map { immediate($0, gate, store) }) { request, captured in
      do {
        var call = try call(request, captured, gate, store)
        try gate.count(call.caller)
        if case .none = body { try await call.refuseBody() }
        call.condition = condition(of: call)
        // Before the change is prepared, and again within it.
        try call.condition?()
        return Self.ownersAlone(try await handle(call), for: call.caller)
      } catch let missing as NotFound {
        throw MissingThing(path: path, captured: captured).error(for: missing) ?? missing
      }
    }
  }

  /// What is answered to a token is no other's: a cache that many share must not keep it (RFC 9111 §5.2.2.7).
  private static func ownersAlone(_ response: Response, for caller: Caller) -> Response {
    guard caller.token != nil, response.headers[.cacheControl] == "no-cache" else { return response }
    var response = response
    response.headers[.cacheControl] = "private, no-cache"
    return response
  }

  /// Throws 412 when the thing that is to be changed is not as the request wants it, and 404 when there is none.
  private func condition(of call: Call) -> ChangeCondition? {
    let headers = call.request.headers
    guard let present, Preconditions.areGiven(in: headers) else { return nil }
    return {
      let state = try present(call)
      let outcome = Preconditions.evaluate(
        method: call.request.method, headers: headers, current: state.tag, modified: state.modified.map { Int($0.milliseconds / 1000) })
      guard outcome == .proceed else { throw HTTPError(.preconditionFailed, "The resource is not in the state that the request asks for.") }
    }
  }

  /// A client that accepts none of the forms of a good answer is told so before anything is done.
  private func requireAcceptable(_ request: Request) throws {
    guard request.headers.contains(.accept), answers.keys.contains(where: { $0 < 300 && $0 != 204 }) else { return }
    _ = try request.negotiate(types)
  }

  private func immediate(
    _ atOnce: @escaping @Sendable (Call) throws -> Response?, _ gate: Gatekeeper, _ store: Store
  ) -> Router.ImmediateHandler {
    { request, captured in
      do {
        let call = try call(request, captured, gate, store, atOnce: true)
        guard let response = try atOnce(call) else { return nil }
        try gate.count(call.caller)
        return Self.ownersAlone(response, for: call.caller)
      } catch {
        let error = (error as? NotFound).flatMap { MissingThing(path: path, captured: captured).error(for: $0) } ?? error
        // What has no translation is the handler's to log.
        return HTTPError(translating: error).map { .problem($0, requestID: request.requestID) }
      }
    }
  }

  /// - Parameter isImmediate: the socket's queue asks, so what is not in memory is left to the handler.
  private func call(
    _ request: Request, _ captured: Router.PathParameters, _ gate: Gatekeeper, _ store: Store, atOnce isImmediate: Bool = false
  ) throws -> Call {
    let caller = try gate.admit(request, access)
    try requireAcceptable(request)
    let call = Call(
      request: request, captured: captured, query: try QueryReader(parameters, path: path).values(of: request.query), caller: caller)
    // Before anything is said of the thing: another owner's is answered as none.
    if scope == .owner, let id = captured["id"] { try store.require(id, visibleTo: caller.viewer, inMemory: isImmediate) }
    return call
  }
}
