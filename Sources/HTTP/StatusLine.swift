/// The first line of an answer (RFC 9112 §4).
enum StatusLine {
  /// The reason phrase of a status. A status made from a number alone has none, so the known ones are looked up.
  static func reason(of status: HTTPResponse.Status) -> String {
    status.reasonPhrase.isEmpty ? phrases[status.code] ?? "" : status.reasonPhrase
  }

  private static let known: [HTTPResponse.Status] = [
    .continue, .ok, .created, .accepted, .noContent, .partialContent, .movedPermanently, .found, .seeOther, .notModified,
    .temporaryRedirect, .permanentRedirect, .badRequest, .unauthorized, .forbidden, .notFound, .methodNotAllowed, .notAcceptable,
    .requestTimeout, .conflict, .gone, .lengthRequired, .preconditionFailed, .contentTooLarge, .uriTooLong, .unsupportedMediaType,
    .rangeNotSatisfiable, .expectationFailed, .unprocessableContent, .preconditionRequired, .tooManyRequests,
    .requestHeaderFieldsTooLarge, .internalServerError, .notImplemented, .badGateway, .serviceUnavailable, .gatewayTimeout,
    .init(code: 505, reasonPhrase: "HTTP Version Not Supported"), .init(code: 507, reasonPhrase: "Insufficient Storage"),
  ]

  private static let phrases = Dictionary(known.map { ($0.code, $0.reasonPhrase) }, uniquingKeysWith: { first, _ in first })
}
