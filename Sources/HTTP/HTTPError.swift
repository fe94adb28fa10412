/// An error with its answer. When a handler throws it, that answer is sent. Every other error becomes a 500 that reveals nothing.
package struct HTTPError: Error, Sendable, CustomStringConvertible {
  package var status: HTTPResponse.Status
  /// nil for the status' own phrase.
  package var title: String?
  package var detail: String?
  /// The problem's type URI (RFC 9457 §3.1.1).
  package var type: String
  /// Header fields that belong to the error, such as `Allow` or `Retry-After`.
  package var headers: HTTPFields
  /// Further members of the problem document.
  package var members: [String: any Encodable & Sendable]

  package init(
    _ status: HTTPResponse.Status, title: String? = nil, detail: String? = nil, type: String = "about:blank", headers: HTTPFields = [:],
    members: [String: any Encodable & Sendable] = [:]
  ) {
    self.status = status
    self.title = title
    self.detail = detail
    self.type = type
    self.headers = headers
    self.members = members
  }

  package var description: String { "\(status.code) \(title ?? StatusLine.reason(of: status)): \(detail ?? "no detail")" }

  package static func badRequest(_ detail: String) -> HTTPError { HTTPError(.badRequest, detail: detail) }
  package static func notFound(_ detail: String) -> HTTPError { HTTPError(.notFound, detail: detail) }

  /// 413: `limit` is the most bytes a body may have here.
  package static func contentTooLarge(limit: Int) -> HTTPError {
    HTTPError(.contentTooLarge, detail: "The body is larger than the \(limit) bytes that this resource takes.")
  }
}
