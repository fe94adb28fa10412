import HTTP
import JSON

/// A row of the table of routes.
struct Endpoint: Sendable {
  /// What a request may carry behind `?`.
  struct Parameter: Sendable {
    /// With a `*` at its end, every name that begins so.
    let name: String
    let description: String
    /// Of the JSON Schema that `/openapi.json` gives it.
    let schema: Schema

    enum Schema: Sendable {
      case text
      case boolean
      case choice([String])
      case integer(ClosedRange<Int>)
    }

    init(_ name: String, _ schema: Schema, _ description: String) {
      self.name = name
      self.schema = schema
      self.description = description
    }

    func takes(_ name: String) -> Bool {
      self.name.hasSuffix("*") ? name.hasPrefix(self.name.dropLast()) && name.count >= self.name.count : name == self.name
    }
  }

  enum Body: Sendable {
    case none
    /// A document of this JSON Schema.
    case json(JSONValue)
    /// Streamed, of one of these types.
    case upload([String])
  }

  let method: HTTPRequest.Method
  let path: String
  let name: String
  let summary: String
  let parameters: [Parameter]
  let body: Body
  /// The answers that go well: status to what it means.
  let answers: [Int: String]
  let types: [String]
  /// Whether `Idempotency-Key` is honoured.
  let creates: Bool
  /// Answers from memory, without waiting for anything, on the socket's own queue; nil: ask `handle`.
  let atOnce: (@Sendable (Call) throws -> Response?)?
  let handle: @Sendable (Call) async throws -> Response

  /// - Parameters:
  ///   - name: `operationId` in `/openapi.json`.
  ///   - types: the media types of its good answers, the default first.
  init(
    _ method: HTTPRequest.Method, _ path: String, _ name: String, _ summary: String, parameters: [Parameter] = [], body: Body = .none,
    answers: [Int: String] = [200: "OK"], types: [String] = ["application/json"], creates: Bool = false,
    atOnce: (@Sendable (Call) throws -> Response?)? = nil, handle: @escaping @Sendable (Call) async throws -> Response
  ) {
    self.method = method
    self.path = path
    self.name = name
    self.summary = summary
    self.parameters = parameters
    self.body = body
    self.answers = answers
    self.types = types
    self.creates = creates
    self.atOnce = atOnce
    self.handle = handle
  }

  /// An answer that is always the same but for the request's conditions, made without waiting for anything.
  init(
    _ path: String, _ name: String, _ summary: String, parameters: [Parameter] = [], types: [String] = ["application/json"],
    atOnce: @escaping @Sendable (Call) throws -> Response
  ) {
    self.init(.get, path, name, summary, parameters: parameters, types: types, atOnce: atOnce, handle: { try atOnce($0) })
  }

  /// The row as the router wants it: parameters that the row does not know are refused before anything is done.
  var route: Router.Route {
    Router.Route(method, path, immediate: atOnce.map(immediate)) { request, captured in
      try check(request.query)
      return try await handle(Call(request: request, captured: captured))
    }
  }

  private func immediate(_ atOnce: @escaping @Sendable (Call) throws -> Response?) -> Router.ImmediateHandler {
    { request, captured in
      do {
        try check(request.query)
        return try atOnce(Call(request: request, captured: captured))
      } catch {
        // What has no translation is the handler's to log.
        return HTTPError(translating: error).map { .problem($0, requestID: request.requestID) }
      }
    }
  }

  private func check(_ query: Query) throws {
    for name in query.names where !parameters.contains(where: { $0.takes(name) }) {
      let known = parameters.isEmpty ? "it has none" : "it has \(parameters.map(\.name).joined(separator: ", "))"
      throw HTTPError(
        .badQuery, "\(path) has no query parameter \(name.prefix(100)): \(known).", members: ["parameter": String(name.prefix(100))])
    }
    for parameter in parameters where !parameter.name.hasSuffix("*") && query.all(parameter.name).count > 1 {
      throw HTTPError(
        .badQuery, "The query parameter \(parameter.name) stands there more than once.", members: ["parameter": parameter.name])
    }
  }
}
