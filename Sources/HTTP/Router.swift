/// The table of routes. A pattern is a path in which each `{name}` stands for one segment of any content.
package struct Router: Sendable {
  package typealias RouteHandler = @Sendable (Request, PathParameters) async throws -> Response
  /// Answers from memory, or returns nil to leave the request to the handler. It runs on a queue that many connections share, so it must
  /// never block: not on a file, and not on a lock that is held for long.
  package typealias ImmediateHandler = @Sendable (Request, PathParameters) -> Response?

  /// The decoded segments that the `{name}`s of a pattern stand for.
  package struct PathParameters: Sendable {
    fileprivate let captures: [Capture]
    fileprivate let path: [String]

    /// nil when the pattern has no such name.
    package subscript(name: String) -> String? { captures.last { $0.name == name }.map { path[$0.index] } }
  }

  package struct Route: Sendable {
    package let method: HTTPRequest.Method
    package let pattern: String
    package let immediate: ImmediateHandler?
    package let handler: RouteHandler
    let segments: [Segment]
    fileprivate let captures: [Capture]

    /// - Parameter immediate: tried before `handler`, for GET and HEAD.
    package init(
      _ method: HTTPRequest.Method, _ pattern: String, immediate: ImmediateHandler? = nil, _ handler: @escaping RouteHandler
    ) {
      self.method = method
      self.pattern = pattern
      self.immediate = immediate
      self.handler = handler
      let texts = pattern.dropFirst().isEmpty ? [] : pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
      segments = texts.map(Segment.init)
      captures = segments.enumerated().compactMap { index, segment in
        if case .capture(let name) = segment { Capture(name: name, index: index) } else { nil }
      }
    }
  }

  enum Segment: Sendable {
    case literal(String)
    case capture(String)

    init(_ text: Substring) {
      self = text.hasPrefix("{") && text.hasSuffix("}") ? .capture(String(text.dropFirst().dropLast())) : .literal(String(text))
    }
  }

  /// A name and the index of its segment in the path.
  fileprivate struct Capture: Sendable {
    let name: String
    let index: Int
  }

  /// The routes in the order in which they were given.
  package let routes: [Route]
  private let tree: RouteTree

  package init(_ routes: [Route] = []) {
    self.routes = routes
    tree = RouteTree(routes)
  }

  /// The route for a request and the captured segments.
  /// - Throws: 404, 405 with `Allow` (RFC 9110 §15.5.6), or 501 for CONNECT, and where nothing is for an unknown method (§15.6.2).
  package func route(_ method: HTTPRequest.Method, _ target: RequestTarget) throws(HTTPError) -> (Route, PathParameters) {
    if let found = find(method, target) { return found }
    // CONNECT names another server, so it is not a matter of one path (§9.3.6).
    guard method != .connect else { throw HTTPError(.notImplemented, detail: "This server is no proxy: it does not know CONNECT.") }
    let allowed = methods(of: target)
    guard !allowed.isEmpty else {
      if Self.methods.contains(method) { throw .notFound("There is nothing at \(target.path); /openapi.json lists what there is.") }
      throw HTTPError(.notImplemented, detail: "This server does not know the method \(method.rawValue).")
    }
    throw HTTPError(
      .methodNotAllowed, detail: "\(method.rawValue) is not possible at \(target.path); possible: \(Self.list(allowed)).",
      headers: [.allow: Self.list(allowed)])
  }

  /// Answers a request by its route. OPTIONS is answered here for every known path.
  package func callAsFunction(_ request: Request) async throws -> Response {
    if request.method == .options, let options = options(request.target) { return options }
    let (route, parameters) = try route(request.method, request.target)
    request.notes.route = route.pattern
    return try await route.handler(request, parameters)
  }

  /// The immediate answer of the route; nil when the request needs a handler. It never blocks.
  package func immediate(_ request: Request) -> Response? {
    guard request.method == .get || request.method == .head, let (route, parameters) = find(request.method, request.target) else {
      return nil
    }
    request.notes.route = route.pattern
    return route.immediate?(request, parameters)
  }

  /// HEAD uses the route for GET unless it has its own (RFC 9110 §9.3.2).
  private func find(_ method: HTTPRequest.Method, _ target: RequestTarget) -> (Route, PathParameters)? {
    guard target.isPath else { return nil }
    var found = tree.find(method, target.segments)
    if found == nil, method == .head { found = tree.find(.get, target.segments) }
    return found.map { ($0, PathParameters(captures: $0.captures, path: target.segments)) }
  }

  private func methods(of target: RequestTarget) -> Set<HTTPRequest.Method> {
    target.isPath ? Set(tree.all(target.segments).map(\.method)) : []
  }

  private func options(_ target: RequestTarget) -> Response? {
    // `OPTIONS *` asks about the whole server (RFC 9110 §9.3.7).
    if target.path == "*" { return Response(status: .noContent, headers: [.allow: Self.list(Set(routes.map(\.method)))]) }
    let allowed = methods(of: target)
    guard !allowed.isEmpty, !allowed.contains(.options) else { return nil }
    return Response(status: .noContent, headers: [.allow: Self.list(allowed)])
  }

  private static let methods: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .delete, .connect, .options, .trace, .patch]

  private static func list(_ methods: Set<HTTPRequest.Method>) -> String {
    var all = methods.union([.options])
    if all.contains(.get) { all.insert(.head) }
    return all.map(\.rawValue).sorted().joined(separator: ", ")
  }
}
