/// What a handler answers. The server adds `Date`, `X-Request-Id`, the framing and, where due, `Connection`.
package struct Response: Sendable {
  package var status: HTTPResponse.Status
  package var headers: HTTPFields
  package var body: ResponseBody

  package init(status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], body: ResponseBody = .none) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  package static func bytes(_ bytes: [UInt8], type: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
    var response = Response(status: status, headers: headers, body: .bytes(bytes))
    response.headers[.contentType] = type
    return response
  }

  package static func text(
    _ text: String, type: String = "text/plain; charset=utf-8", status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) -> Response {
    bytes(Array(text.utf8), type: type, status: status, headers: headers)
  }

  /// The problem document of an error: also what an immediate answer is where it is an error.
  package static func problem(_ error: HTTPError, requestID: String) -> Response {
    let problem = Problem(
      status: error.status, title: error.title, detail: error.detail, type: error.type, requestID: requestID, members: error.members)
    return bytes(problem.encoded(), type: "application/problem+json", status: error.status, headers: error.headers)
  }

  /// How an answer to `method` is framed, with the bytes of its body; nil where those are not at hand.
  func whole(to method: HTTPRequest.Method) -> (length: ResponseHead.Length, payload: [UInt8])? {
    // No body by their nature (RFC 9110 §6.4.1).
    let bodiless = status.code < 200 || status.code == 204 || status.code == 304
    let silent = bodiless || method == .head
    switch body {
    case .none: return (bodiless ? .none : .known(0), [])
    case .bytes(let bytes): return (bodiless ? .none : .known(bytes.count), silent ? [] : bytes)
    case .file(let file): return silent ? (bodiless ? .none : .known(file.range.count), []) : nil
    case .stream, .events: return silent ? (.none, []) : nil
    }
  }
}

package enum ResponseBody: Sendable {
  case none
  case bytes([UInt8])
  /// Sent piece by piece; memory does not grow with the file.
  case file(FileBody)
  /// Chunked. The closure runs on the handlers' threads until it returns, which ends the body well. If it throws, the connection is
  /// cut, so that nobody takes what came for the whole. It is cancelled when the client goes and when the server drains.
  case stream(@Sendable (ResponseWriter) async throws -> Void)
  /// A stream of server-sent events: as any other stream, with `opening` in one with the head, and a comment after each time of so many
  /// seconds in which nothing was sent.
  case events(opening: [UInt8], heartbeat: Double, @Sendable (EventStream) async throws -> Void)
}
