import JSON
import HTTP
import Jobs
import Robustness

/// One request at its endpoint.
struct Call: Sendable {
  let request: Request
  let captured: Router.PathParameters
  /// The parameters of the route behind `?`, each with its value or its default.
  let query: FieldValues
  let caller: Caller
  /// What the request's conditions ask of the thing that it changes, to be handed to the change itself; nil when there are none.
  var condition: ChangeCondition?

  /// Whose things the request may see.
  var viewer: Viewer { caller.viewer }

  /// What a `{name}` of the path took.
  func path(_ name: String) -> String { captured[name] ?? "" }

  var limit: Int { query.integer("limit") }
  /// The last id of the page before.
  var after: String? { query.optionalText("after") }

  /// The cursor of a list of `kind`s, some of which have other names.
  /// - Throws: 400 for what can be none.
  func after(_ kind: Identifier, or names: [String] = []) throws -> String? {
    guard let after, !kind.matches(after), !names.contains(after) else { return after }
    throw HTTPError.unknownCursor(after)
  }

  /// - Throws: 400 unless the body is empty or an empty object: nothing in it would be heeded.
  func refuseBody() async throws {
    guard request.method == .post else { return }
    var bytes: [UInt8] = []
    for try await chunk in request.body where bytes.count <= Self.mostOfNothing { bytes += chunk }
    guard bytes.isEmpty || bytes.count <= Self.mostOfNothing && (try? JSONValue(parsing: bytes)) == [:] else {
      throw HTTPError(.malformedBody, "This route takes no body: leave it out, or send {}.")
    }
  }

  /// Bytes that an empty object may have.
  private static let mostOfNothing = 1_024

  /// - Throws: 415 unless the body is of one of `types`, with what to do about it in a terminal.
  func require(mediaType types: [String]) throws {
    // A body without a type may be taken for bytes (RFC 9110 §8.3): `curl -T FILE` sends none.
    let given = request.mediaType
    guard !types.contains(given ?? MediaType.bytes) else { return }
    let named = given.map { "not \($0.prefix(100))" } ?? "and there is none"
    throw HTTPError(
      .wrongMediaType, "The Content-Type must be \(types.joined(separator: " or ")), \(named): \(Self.remedy(for: given, types)).",
      headers: [.accept: types.joined(separator: ", ")])
  }

  private static func remedy(for given: String?, _ types: [String]) -> String {
    // What curl calls the body of its `-d`; of a file it would also leave out every line break and NUL.
    let isForm = given == "application/x-www-form-urlencoded"
    if types.contains(MediaType.bytes) {
      return isForm ? CurlHint.binary : "with curl, add -H 'Content-Type: \(MediaType.bytes)'"
    }
    if types == [MediaType.form] { return "with curl, send each file as a part of a form, -F NAME=@FILE" }
    return "with curl, add -H 'Content-Type: \(types[0])'"
  }
}

enum MediaType {
  static let bytes = "application/octet-stream"
  static let form = "multipart/form-data"
}

/// What to say to those who use curl.
enum CurlHint {
  static let binary = "with curl, send the file by --data-binary @FILE or -T FILE, since -d leaves out every line break and NUL"

  /// For a binary file without a line break and without a NUL, which are in every such file.
  static let stripped =
    "Not one line break and not one NUL is in the body, so curl's -d has probably left them out: use --data-binary @FILE"
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

  /// The same where a request may leave the body out: it is an empty object then.
  init(orNothing call: Call, limit: Int) async throws {
    guard call.request.mediaType == nil else {
      self = try await JSONBody(call, limit: limit)
      return
    }
    bytes = try await call.request.body.collect(upTo: limit)
    guard bytes.isEmpty else { throw HTTPError(.wrongMediaType, "The Content-Type must be application/json.") }
    value = [:]
  }

  /// Where the fault is: bytes from 0, lines and columns from 1.
  private struct Position: Encodable, Sendable {
    let offset: Int
    let line: Int
    let column: Int
  }
}
