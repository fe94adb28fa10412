/// A request as handlers get it.
package struct Request: Sendable {
  package let method: HTTPRequest.Method
  package let target: RequestTarget
  package let headers: HTTPFields
  package let remoteAddress: SocketAddress
  /// The client's `X-Request-Id` if it has a safe form, else a new one. The answer and the log repeat it.
  package let requestID: String
  package let body: RequestBody

  package init(
    method: HTTPRequest.Method, target: RequestTarget, headers: HTTPFields = [:],
    remoteAddress: SocketAddress = SocketAddress(host: "127.0.0.1", port: 0), requestID: String = RequestID.new(),
    body: RequestBody = RequestBody()
  ) {
    self.method = method
    self.target = target
    self.headers = headers
    self.remoteAddress = remoteAddress
    self.requestID = requestID
    self.body = body
  }

  /// The path as sent, without the query.
  package var path: String { target.path }
  package var query: Query { target.query }

  /// `type/subtype` of the body in lower case, without parameters.
  package var mediaType: String? {
    headers[.contentType].map { ASCII.trimmed($0.prefix { $0 != ";" }).lowercased() }
  }
}
