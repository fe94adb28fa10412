/// A request as handlers get it.
package struct Request: Sendable {
  package let method: HTTPRequest.Method
  package let target: RequestTarget
  package let headers: HTTPFields
  /// The client's; of one behind a proxy of ours, what that says.
  package let remoteAddress: SocketAddress
  /// The client's `X-Request-Id` if it has a safe form, else a new one. The answer and the log repeat it.
  package let requestID: String
  package let body: RequestBody
  package let notes: RequestNotes

  package init(
    method: HTTPRequest.Method, target: RequestTarget, headers: HTTPFields = [:],
    remoteAddress: SocketAddress = SocketAddress(host: "127.0.0.1", port: 0), requestID: String = RequestID.new(),
    body: RequestBody = RequestBody(), notes: RequestNotes = RequestNotes()
  ) {
    self.method = method
    self.target = target
    self.headers = headers
    self.remoteAddress = remoteAddress
    self.requestID = requestID
    self.body = body
    self.notes = notes
  }

  /// The path as sent, without the query.
  package var path: String { target.path }
  package var query: Query { target.query }

  /// - Throws: 415 when the body has a content coding other than gzip (RFC 9110 §8.4, §12.5.3).
  func requireKnownCoding() throws {
    let codings = ContentCoding.codings(headers)
    guard let coding = codings.first(where: { !ContentCoding.isGzip($0) }) ?? codings.dropFirst().first, body.declaredLength != 0 else {
      return
    }
    throw HTTPError(
      .unsupportedMediaType,
      detail: "A body with the Content-Encoding \(coding.prefix(100)) is not understood here; send it as it is, or once by gzip.",
      headers: [.acceptEncoding: "gzip, identity"])
  }

  /// `type/subtype` of the body in lower case, without parameters.
  package var mediaType: String? {
    headers[.contentType].map { ASCII.lowercased(ASCII.trimmed(ASCII.text($0, before: UInt8(ascii: ";")))) }
  }
}
