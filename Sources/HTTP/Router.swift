/// The table of routes. A pattern is a path whose `{name}` segments each take one segment of any content.
package struct Router: Sendable {
  package typealias RouteHandler = @Sendable (Request, Parameters) async throws -> Response

  /// What the `{name}` segments took, decoded.
  package struct Parameters: Sendable, Equatable {
    private let values: [String: String]

    init(_ values: [String: String]) { self.values = values }

    /// nil when the pattern has no such segment.
    package subscript(name: String) -> String? { values[name] }
  }

  package struct Route: Sendable {
    package let method: HTTPRequest.Method
    package let pattern: String
    package let handler: RouteHandler
    fileprivate let segments: [Segment]

    package init(_ method: HTTPRequest.Method, _ pattern: String, _ handler: @escaping RouteHandler) {
      self.method = method
      self.pattern = pattern
      self.handler = handler
      segments =
        pattern.dropFirst().isEmpty ? [] : pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(Segment.init)
    }

    fileprivate func match(_ path: [String]) -> Parameters? {
      guard path.count == segments.count else { return nil }
      var values: [String: String] = [:]
      for (segment, part) in zip(segments, path) {
        switch segment {
        case .literal(let text): guard text == part else { return nil }
        case .capture(let name):
          guard !part.isEmpty else { return nil }
          values[name] = part
        }
      }
      return Parameters(values)
    }

    /// Literal segments go before captures, the leftmost first.
    fileprivate func isMoreSpecific(than other: Route) -> Bool {
      for (mine, theirs) in zip(segments, other.segments) {
        switch (mine, theirs) {
        case (.literal, .capture): return true
        case (.capture, .literal): return false
        default: continue
        }
      }
      return false
    }
  }

  fileprivate enum Segment: Sendable {
    case literal(String)
    case capture(String)

    init(_ text: Substring) {
      self = text.hasPrefix("{") && text.hasSuffix("}") ? .capture(String(text.dropFirst().dropLast())) : .literal(String(text))
    }
  }

  /// In the order in which they were given.
  package private(set) var routes: [Route]

  package init(_ routes: [Route] = []) { self.routes = routes }

  package mutating func on(_ method: HTTPRequest.Method, _ pattern: String, _ handler: @escaping RouteHandler) {
    routes.append(Route(method, pattern, handler))
  }

  /// The route for a request, with what its pattern captured.
  /// - Throws: 404, 405 with `Allow` (RFC 9110 §15.5.6), or 501 for a method that nobody knows (§15.6.2).
  package func route(_ method: HTTPRequest.Method, _ target: RequestTarget) throws(HTTPError) -> (Route, Parameters) {
    guard Self.methods.contains(method) else {
      throw HTTPError(.notImplemented, detail: "This server does not know the method \(method.rawValue).")
    }
    let matches = routes.compactMap { route in route.match(target.segments).map { (route, $0) } }
    guard !matches.isEmpty, target.path.hasPrefix("/") else { throw .notFound("There is nothing at \(target.path).") }
    if let best = Self.best(matches, method) { return best }
    if method == .head, let best = Self.best(matches, .get) { return best }
    throw HTTPError(
      .methodNotAllowed, detail: "\(method.rawValue) is not possible at \(target.path).", headers: [.allow: Self.allowed(matches)])
  }

  /// Answers a request by its route; OPTIONS is answered for every path that there is.
  package func callAsFunction(_ request: Request) async throws -> Response {
    if request.method == .options, let options = options(request.target) { return options }
    let (route, parameters) = try route(request.method, request.target)
    return try await route.handler(request, parameters)
  }

  private func options(_ target: RequestTarget) -> Response? {
    // `OPTIONS *` asks about the server as a whole (RFC 9110 §9.3.7).
    if target.path == "*" { return Response(status: .noContent, headers: [.allow: Self.methodList(Set(routes.map(\.method)))]) }
    let matches = routes.compactMap { route in route.match(target.segments).map { (route, $0) } }
    guard !matches.isEmpty, !matches.contains(where: { $0.0.method == .options }) else { return nil }
    return Response(status: .noContent, headers: [.allow: Self.allowed(matches)])
  }

  private static let methods: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .delete, .connect, .options, .trace, .patch]

  private static func best(_ matches: [(Route, Parameters)], _ method: HTTPRequest.Method) -> (Route, Parameters)? {
    matches.filter { $0.0.method == method }.min { $0.0.isMoreSpecific(than: $1.0) }
  }

  private static func allowed(_ matches: [(Route, Parameters)]) -> String { methodList(Set(matches.map(\.0.method))) }

  private static func methodList(_ methods: Set<HTTPRequest.Method>) -> String {
    var all = methods.union([.options])
    if all.contains(.get) { all.insert(.head) }
    return all.map(\.rawValue).sorted().joined(separator: ", ")
  }
}
