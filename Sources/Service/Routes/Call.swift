import JSON
import HTTP
import Robustness

/// One request at its endpoint.
struct Call: Sendable {
  let request: Request
  let captured: Router.PathParameters

  /// What a `{name}` of the path took.
  func path(_ name: String) -> String { captured[name] ?? "" }

  func text(_ name: String) -> String? { request.query.first(name) }

  /// A parameter that is `true` or `false`; a bare name is true.
  func flag(_ name: String) throws -> Bool {
    switch text(name) {
    case nil, "false": return false
    case "", "true": return true
    case let value?: throw wrong(name, value, "true or false")
    }
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let value = text(name) else { return nil }
    guard let number = Int(value), range.contains(number) else {
      throw wrong(name, value, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, of type: Choice.Type) throws -> Choice?
  where Choice.RawValue == String {
    guard let value = text(name) else { return nil }
    guard let choice = Choice(rawValue: value) else {
      throw wrong(name, value, "one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return choice
  }

  func limit() throws -> Int { try integer("limit", in: ListPage.limits) ?? ListPage.defaultLimit }

  func wrong(_ name: String, _ value: String, _ right: String) -> HTTPError {
    HTTPError(.badQuery, "\(name)=\(value.prefix(100)) cannot be: \(name) is \(right).", members: ["parameter": name])
  }

  /// - Throws: 415 unless the body is of one of `types`.
  func require(mediaType types: [String]) throws {
    guard let type = request.mediaType, types.contains(type) else {
      let given = request.mediaType.map { "\($0.prefix(100))" } ?? "none"
      throw HTTPError(
        .wrongMediaType, "The Content-Type must be \(types.joined(separator: " or ")), not \(given).",
        headers: [.accept: types.joined(separator: ", ")])
    }
  }
}

/// A JSON body, with the bytes it came in.
struct JSONBody: Sendable {
  let bytes: [UInt8]
  let value: JSONValue

  /// - Throws: 415, 413, or 400 with the place of the fault.
  init(_ call: Call, limit: Int) async throws {
    try call.require(mediaType: ["application/json"])
    bytes = try await call.request.body.collect(upTo: limit)
    do {
      value = try JSONValue(parsing: bytes)
    } catch let error as JSONSyntaxError {
      throw HTTPError(
        .malformedJSON, "At line \(error.line), column \(error.column): \(error.message).",
        members: ["position": Position(offset: error.offset, line: error.line, column: error.column)])
    }
  }

  /// Where the fault is: bytes from 0, lines and columns from 1.
  private struct Position: Encodable, Sendable {
    let offset: Int
    let line: Int
    let column: Int
  }
}
