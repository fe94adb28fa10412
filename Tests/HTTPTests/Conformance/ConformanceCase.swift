import Testing

/// Bytes that a client sends, and what a server has to do.
struct ConformanceCase: Sendable, CustomTestStringConvertible {
  /// Of which RFC: `9112 §3.2`.
  let section: String
  let name: String
  let request: [UInt8]
  /// The statuses of all answers, in order.
  let statuses: [Int]
  /// Whether the server then closes the connection; otherwise it must answer another request on it.
  let closes: Bool
  /// The body of the last answer.
  let body: String?
  /// Fields that the last answer must have.
  let fields: [String: String]

  /// The client closes its sending side behind the request.
  private(set) var ends = false

  var testDescription: String { "RFC \(section): \(name)" }

  /// - Parameter request: a scalar from U+E000 to U+E0FF stands for the byte of its last two digits, for bytes that are not UTF-8.
  init(
    _ section: String, _ name: String, _ request: String, _ statuses: Int..., closes: Bool = false, body: String? = nil,
    fields: [String: String] = [:]
  ) {
    self.section = section
    self.name = name
    self.request = request.unicodeScalars.flatMap { scalar in
      (0xE000...0xE0FF).contains(scalar.value) ? [UInt8(scalar.value - 0xE000)] : Array(String(scalar).utf8)
    }
    self.statuses = statuses
    self.closes = closes
    self.body = body
    self.fields = fields
  }

  /// A request that is refused as it is read: the connection cannot be understood any further, so it is closed.
  static func refused(_ section: String, _ name: String, _ request: String, _ status: Int = 400) -> ConformanceCase {
    ConformanceCase(section, name, request, status, closes: true)
  }

  /// A request that breaks off.
  static func broken(_ section: String, _ name: String, _ request: String) -> ConformanceCase {
    var broken = refused(section, name, request)
    broken.ends = true
    return broken
  }

  /// Begins of requests that are right, up to and without the empty line.
  static let get = "GET / HTTP/1.1\r\nHost: a\r\n"
  static let post = "POST / HTTP/1.1\r\nHost: a\r\n"
  static let chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
  static let end = "\r\n"
}
