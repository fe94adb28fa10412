/// An answer. The server adds `Date`, `X-Request-Id`, the framing fields and, if needed, `Connection`.
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

  /// An error as a problem document. Immediate handlers use it too.
  package static func problem(_ error: HTTPError, requestID: String) -> Response {
    let problem = Problem(
      status: error.status, title: error.title, detail: error.detail, type: error.type, requestID: requestID, members: error.members)
    var headers = error.headers
    headers[.contentOptions] = "nosniff"
    // With the line break that a terminal wants.
    return bytes(problem.encoded() + [ASCII.lf], type: "application/problem+json", status: error.status, headers: headers)
  }

  /// The framing of an answer to `method` and the bytes of its body; nil when the bytes are not in memory.
  func whole(to method: HTTPRequest.Method) -> (length: ResponseHead.Length, payload: [UInt8])? {
    // These statuses never have a body (RFC 9110 §6.4.1).
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
  /// A file, sent piece by piece, so memory does not grow with its size.
  case file(FileBody)
  /// A chunked body. The closure runs on the handler threads; when it returns, the body is complete. If it throws, the connection is
  /// closed without the last chunk, so the client knows that the body is incomplete. It is cancelled when the client disconnects and when
  /// the server drains.
  case stream(@Sendable (ResponseWriter) async throws -> Void)
  /// A stream of server-sent events. `opening` is sent together with the head, and a comment after every `heartbeat` seconds without
  /// output.
  case events(opening: [UInt8], heartbeat: Double, @Sendable (EventStream) async throws -> Void)
}
