/// The head of an answer as bytes (RFC 9112 §4).
struct ResponseHead {
  enum Length: Equatable {
    /// No framing field, because this status never has a body.
    case none
    case known(Int)
    case chunked
    /// The body ends with the connection, for HTTP/1.0.
    case untilClose
  }

  let status: HTTPResponse.Status
  let headers: HTTPFields
  let length: Length
  let keepAlive: Bool
  /// HTTP/1.0 needs `Connection: keep-alive` to keep a connection, HTTP/1.1 needs `close` to end it.
  let minorVersion: Int
  let requestID: String
  let date: String
  let serverName: String?

  /// `100 Continue`
  static let goOn = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

  /// The fields that only the server sets.
  private static func isReserved(_ name: HTTPField.Name) -> Bool {
    switch name.canonicalName {
    case "content-length", "transfer-encoding", "connection", "date", "x-request-id", "server": true
    default: false
    }
  }

  /// `room` is the number of bytes to reserve behind the head.
  func encoded(room: Int = 0) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(512 + room)
    func add(_ text: String) { bytes.append(contentsOf: text.utf8) }
    func field(_ name: String, _ value: String) {
      add(name)
      add(": ")
      add(value)
      add("\r\n")
    }
    add("HTTP/1.1 ")
    add(String(status.code))
    add(" ")
    add(StatusLine.reason(of: status))
    add("\r\n")
    field("Date", date)
    if let serverName { field("Server", serverName) }
    for header in headers where !Self.isReserved(header.name) { field(header.name.rawName, header.value) }
    field("X-Request-Id", requestID)
    switch length {
    case .none, .untilClose: break
    case .known(let count): field("Content-Length", String(count))
    case .chunked: field("Transfer-Encoding", "chunked")
    }
    if !keepAlive { field("Connection", "close") } else if minorVersion == 0 { field("Connection", "keep-alive") }
    add("\r\n")
    return bytes
  }
}
