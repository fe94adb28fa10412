/// The head of an answer as bytes (RFC 9112 §4).
struct ResponseHead {
  enum Length: Equatable {
    /// No framing field: the answer has no body by its nature.
    case none
    case known(Int)
    case chunked
    /// Up to the end of the connection, for HTTP/1.0.
    case untilClose
  }

  let status: HTTPResponse.Status
  let headers: HTTPFields
  let length: Length
  let keepAlive: Bool
  /// To a client of HTTP/1.0 keeping must be said, to one of 1.1 closing.
  let minorVersion: Int
  let requestID: String
  let date: String
  let serverName: String?

  /// `100 Continue`
  static let goOn = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

  /// What the server alone decides on.
  private static let reserved: Set<HTTPField.Name> = [.contentLength, .transferEncoding, .connection, .date, .requestID, .server]

  func encoded() -> [UInt8] {
    var text = "HTTP/1.1 \(status.code) \(StatusLine.reason(of: status))\r\nDate: \(date)\r\n"
    if let serverName { text += "Server: \(serverName)\r\n" }
    for field in headers where !Self.reserved.contains(field.name) { text += "\(field.name.rawName): \(field.value)\r\n" }
    text += "X-Request-Id: \(requestID)\r\n"
    switch length {
    case .none, .untilClose: break
    case .known(let count): text += "Content-Length: \(count)\r\n"
    case .chunked: text += "Transfer-Encoding: chunked\r\n"
    }
    if !keepAlive { text += "Connection: close\r\n" } else if minorVersion == 0 { text += "Connection: keep-alive\r\n" }
    return Array((text + "\r\n").utf8)
  }
}
