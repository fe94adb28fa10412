/// A request line and its fields, checked.
package struct RequestHead: Sendable {
  /// How the end of the body is found (RFC 9112 §6).
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

  init(method: HTTPRequest.Method, target: RequestTarget, minorVersion: Int, headers: HTTPFields) throws(HTTPError) {
    self.method = method
    self.target = target
    self.minorVersion = minorVersion
    self.headers = headers
    try Self.checkHost(headers, minorVersion: minorVersion)
    framing = try Self.framing(headers, minorVersion: minorVersion)
    let expectations = ASCII.list(headers[values: .expect])
    guard expectations.allSatisfy({ $0 == "100-continue" }) else {
      throw HTTPError(.expectationFailed, detail: "The only expectation that can be met is 100-continue.")
    }
    // A 1.0 client cannot take an interim answer, and without a body there is nothing to wait for.
    expectsContinue = !expectations.isEmpty && minorVersion > 0 && framing != .none && framing != .length(0)
    let connection = ASCII.list(headers[values: .connection])
    keepAlive = !connection.contains("close") && (minorVersion > 0 || connection.contains("keep-alive"))
  }

  /// Exactly one, and valid (RFC 9112 §3.2); HTTP/1.0 knew none.
  private static func checkHost(_ headers: HTTPFields, minorVersion: Int) throws(HTTPError) {
    let hosts = headers[values: .hostField]
    guard hosts.count == 1 || (hosts.isEmpty && minorVersion == 0) else {
      throw .badRequest("A request needs exactly one Host field; this one has \(hosts.count).")
    }
    guard hosts.allSatisfy(HostField.isValid) else { throw .badRequest("The Host field is not a host with an optional port.") }
  }

  /// RFC 9112 §6.1 to §6.3, without the liberties that request smuggling lives on.
  private static func framing(_ headers: HTTPFields, minorVersion: Int) throws(HTTPError) -> Framing {
    let lengths = headers[values: .contentLength]
    let codings = headers[values: .transferEncoding]
    if !codings.isEmpty {
      guard lengths.isEmpty else { throw .badRequest("Content-Length and Transfer-Encoding cannot stand together.") }
      guard minorVersion > 0 else { throw .badRequest("HTTP/1.0 has no Transfer-Encoding.") }
      return try chunkedFraming(ASCII.list(codings))
    }
    guard !lengths.isEmpty else { return .none }
    var length: Int?
    for element in lengths.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
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
    // Chunked anywhere but once and last leaves the end of the body unknown (RFC 9112 §6.3).
    guard !codings.dropLast().contains("chunked") else { throw .badRequest("The chunked coding must stand once, and last.") }
    throw HTTPError(
      .notImplemented, detail: "The only transfer coding understood here is chunked, not \(last == "chunked" ? codings[0] : last).")
  }
}
