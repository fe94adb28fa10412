/// A request line and header fields that were checked.
package struct RequestHead: Sendable {
  /// How the length of the body is determined (RFC 9112 §6).
  package enum Framing: Sendable, Equatable {
    case none
    case length(Int)
    case chunked
  }

  package let method: HTTPRequest.Method
  package let target: RequestTarget
  /// The x of HTTP/1.x: 0, or 1 for all later ones.
  package let minorVersion: Int
  package let headers: HTTPFields
  package let framing: Framing
  /// The client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
  package let expectsContinue: Bool
  /// Whether the client wants the connection kept (RFC 9112 §9.3).
  package let keepAlive: Bool

  /// The client's `X-Request-Id` if it has a safe form.
  let requestID: String?

  init(method: HTTPRequest.Method, target: RequestTarget, minorVersion: Int, headers: HTTPFields) throws(HTTPError) {
    self.method = method
    self.target = target
    self.minorVersion = minorVersion
    let fields = FramingFields(headers)
    try Self.checkHost(fields.hosts, minorVersion: minorVersion)
    self.headers = Self.addressed(headers, to: target)
    framing = try Self.framing(fields, minorVersion: minorVersion)
    let expectations = ASCII.list(fields.expectations)
    guard expectations.allSatisfy({ $0 == "100-continue" }) else {
      throw HTTPError(.expectationFailed, detail: "The only expectation that can be met is 100-continue.")
    }
    // An HTTP/1.0 client does not understand an interim answer, and without a body there is nothing to wait for.
    expectsContinue = !expectations.isEmpty && minorVersion > 0 && framing != .none && framing != .length(0)
    let connection = ASCII.list(fields.connection)
    keepAlive = !connection.contains("close") && (minorVersion > 0 || connection.contains("keep-alive"))
    requestID = fields.requestIDs.count == 1 ? RequestID.kept(fields.requestIDs[0]) : nil
  }

  /// The authority of an absolute-form target replaces `Host`, whatever that says (RFC 9112 §3.2.2).
  private static func addressed(_ headers: HTTPFields, to target: RequestTarget) -> HTTPFields {
    guard let absolute = target.absolute else { return headers }
    var headers = headers
    headers[.hostField] = absolute.authority
    return headers
  }

  /// Whether the request has a body that is not empty.
  var hasBody: Bool { framing != .none && framing != .length(0) }

  /// The fields that determine the framing, collected in one pass.
  private struct FramingFields {
    var hosts: [String] = []
    var lengths: [String] = []
    var codings: [String] = []
    var expectations: [String] = []
    var connection: [String] = []
    var requestIDs: [String] = []

    init(_ headers: HTTPFields) {
      for field in headers {
        switch field.name.canonicalName {
        case "host": hosts.append(field.value)
        case "content-length": lengths.append(field.value)
        case "transfer-encoding": codings.append(field.value)
        case "expect": expectations.append(field.value)
        case "connection": connection.append(field.value)
        case "x-request-id": requestIDs.append(field.value)
        default: continue
        }
      }
    }
  }

  /// There must be exactly one valid `Host` (RFC 9112 §3.2); HTTP/1.0 needs none.
  private static func checkHost(_ hosts: [String], minorVersion: Int) throws(HTTPError) {
    guard hosts.count == 1 || (hosts.isEmpty && minorVersion == 0) else {
      throw .badRequest("A request needs exactly one Host field; this one has \(hosts.count).")
    }
    guard hosts.allSatisfy(HostField.isValid) else { throw .badRequest("The Host field is not a host with an optional port, or is empty.") }
  }

  /// RFC 9112 §6.1 to §6.3. Wherever the RFC leaves a choice that request smuggling exploits, the request is refused.
  private static func framing(_ fields: FramingFields, minorVersion: Int) throws(HTTPError) -> Framing {
    if !fields.codings.isEmpty {
      guard fields.lengths.isEmpty else { throw .badRequest("Content-Length and Transfer-Encoding cannot stand together.") }
      guard minorVersion > 0 else { throw .badRequest("HTTP/1.0 has no Transfer-Encoding.") }
      return try chunkedFraming(ASCII.list(fields.codings))
    }
    guard !fields.lengths.isEmpty else { return .none }
    var length: Int?
    for element in fields.lengths.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
      guard let value = ASCII.decimal(Array(ASCII.trimmed(element).utf8)) else {
        throw .badRequest("Content-Length must be a decimal number of bytes.")
      }
      guard length == nil || length == value else { throw .badRequest("The Content-Length fields contradict each other.") }
      length = value
    }
    return .length(length ?? 0)
  }

  private static func chunkedFraming(_ codings: [String]) throws(HTTPError) -> Framing {
    guard let last = codings.last else { throw .badRequest("Transfer-Encoding is empty.") }
    if codings == ["chunked"] { return .chunked }
    // Unless chunked is the last coding and occurs once, the end of the body is unknown (RFC 9112 §6.3).
    guard !codings.dropLast().contains("chunked") else { throw .badRequest("The chunked coding must stand once, and last.") }
    throw HTTPError(
      .notImplemented, detail: "The only transfer coding understood here is chunked, not \(last == "chunked" ? codings[0] : last).")
  }
}
