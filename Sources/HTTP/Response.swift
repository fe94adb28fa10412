import Foundation

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

  /// `value` as JSON; the keys are as `encoder` makes them.
  package static func json(
    _ value: some Encodable, encoder: JSONEncoder = JSONEncoder(), status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) throws -> Response {
    bytes([UInt8](try encoder.encode(value)), type: "application/json", status: status, headers: headers)
  }

  /// The problem document of an error.
  package static func problem(_ error: HTTPError, requestID: String) -> Response {
    let problem = Problem(
      status: error.status, title: error.title, detail: error.detail, type: error.type, requestID: requestID, members: error.members)
    return bytes(problem.encoded(), type: "application/problem+json", status: error.status, headers: error.headers)
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
}
