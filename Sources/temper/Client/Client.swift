import JSON
import Foundation
import FoundationNetworking
import Robustness
import Service
import Synchronization

/// A request to the server; the path begins with `/`.
struct ClientRequest: Sendable {
  var method = "GET"
  var path: String
  var query: [(name: String, value: String)] = []
  var headers: [String: String] = [:]
  var body: Data?
}

/// An answer that says the request went well.
struct ClientAnswer: Sendable {
  var status: Int
  var headers: ClientHeaders
  var body: Data

  /// - Throws: `CommandFailure` when the body is not JSON.
  var json: JSONValue {
    get throws {
      do {
        return try JSONValue(parsing: body)
      } catch {
        throw CommandFailure(.unreachable, "the server's answer is not JSON (\(error)); is this a Temper server?")
      }
    }
  }
}

/// Field values by name, whatever the case of its letters.
struct ClientHeaders: Sendable {
  private let fields: [String: String]

  init(_ response: HTTPURLResponse) {
    var fields: [String: String] = [:]
    for (name, value) in response.allHeaderFields { fields["\(name)".lowercased()] = "\(value)" }
    self.fields = fields
  }

  subscript(_ name: String) -> String? { fields[name.lowercased()] }
}

/// Speaks to a Temper server.
struct Client: Sendable {
  private let server: URL
  private let token: String?
  /// Seconds without a byte after which a request is given up; longer than the server's longest wait and its heartbeat.
  static let idle = 90.0

  /// - Throws: `CommandFailure` when `server` is no http or https URL.
  init(server: String, token: String?) throws {
    guard let url = URL(string: server), let scheme = url.scheme, ["http", "https"].contains(scheme), url.host?.isEmpty == false else {
      throw CommandFailure(.usage, "--server (or TEMPER_SERVER) must be a URL such as http://127.0.0.1:8080, not \"\(server)\"")
    }
    self.server = url
    self.token = token.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// - Throws: `CommandFailure` for an answer that is no success, with every fault that the server names; and when there is none.
  func send(_ request: ClientRequest) async throws -> ClientAnswer {
    let received = Mutex<(head: HTTPURLResponse?, body: Data)>((nil, Data()))
    try await transfer(
      request,
      consumer: Transfer.Consumer(
        head: { head in received.withLock { $0.head = head } }, data: { data in received.withLock { $0.body.append(data) } }))
    let (head, body) = received.withLock { ($0.head, $0.body) }
    guard let head else { throw CommandFailure(.unreachable, "\(server.absoluteString) gave no answer") }
    guard (200..<300).contains(head.statusCode) else { throw Refusal(status: head.statusCode, headers: ClientHeaders(head), body: body) }
    return ClientAnswer(status: head.statusCode, headers: ClientHeaders(head), body: body)
  }

  /// Hands the answer, of whatever status, to `consumer` as it comes.
  func transfer(_ request: ClientRequest, idle: Double = Client.idle, consumer: Transfer.Consumer) async throws {
    do {
      try await Transfer.run(try urlRequest(request), idle: idle, consumer: consumer)
    } catch let error as URLError {
      try Task.checkCancellation()
      throw lost(error.code, error)
    }
  }

  func lost(_ code: URLError.Code, _ error: URLError? = nil) -> LostConnection {
    LostConnection(server: server.absoluteString, error: error ?? URLError(code))
  }

  private func urlRequest(_ request: ClientRequest) throws -> URLRequest {
    guard var components = URLComponents(url: server, resolvingAgainstBaseURL: false) else {
      throw CommandFailure(.usage, "\(server.absoluteString) is not a URL")
    }
    let base = components.percentEncodedPath
    components.percentEncodedPath = (base.hasSuffix("/") ? String(base.dropLast()) : base) + request.path
    if !request.query.isEmpty {
      components.queryItems = request.query.map { URLQueryItem(name: $0.name, value: $0.value) }
    }
    guard let url = components.url else { throw CommandFailure(.usage, "\(request.path) is no path of a URL") }
    var result = URLRequest(url: url)
    result.httpMethod = request.method
    result.httpBody = request.body
    result.setValue("temper/\(TemperVersion.current)", forHTTPHeaderField: "User-Agent")
    // A compressed body would have no ranges, and digests of its own.
    result.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
    if request.body != nil { result.setValue("application/json", forHTTPHeaderField: "Content-Type") }
    if let token { result.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
    for (name, value) in request.headers { result.setValue(value, forHTTPHeaderField: name) }
    return result
  }

  /// One segment of a path, escaped.
  static func segment(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-._~"))) ?? ""
  }
}

/// The connection could not be made, or broke.
struct LostConnection: Error, CustomStringConvertible {
  var server: String
  var error: URLError

  var description: String {
    let reason =
      switch error.code {
      case .cannotConnectToHost: "nothing listens there"
      case .cannotFindHost, .dnsLookupFailed: "its name cannot be resolved"
      case .timedOut: "it did not answer in time"
      case .networkConnectionLost: "the connection broke"
      default: error.localizedDescription
      }
    return "cannot reach the server \(server): \(reason); is `temper serve` running there? (--server, TEMPER_SERVER)"
  }
}

/// An answer of the server that is no success.
struct Refusal: Error, CustomStringConvertible {
  var status: Int
  /// Seconds after which the server wants to be asked again.
  var retryAfter: Double?
  var body: Data

  init(status: Int, headers: ClientHeaders, body: Data) {
    self.status = status
    self.body = body
    retryAfter = headers["Retry-After"].flatMap(Double.init)
  }

  /// The problem document (RFC 9457) in words: a line of its own for each fault, with its JSON Pointer.
  var description: String {
    guard let problem = try? JSONValue(parsing: body), case .object = problem else { return "the server answers with status \(status)" }
    var lines = [problem["detail"]?.text ?? problem["title"]?.text ?? "the server answers with status \(status)"]
    for fault in problem["errors"]?.elements ?? [] {
      let pointer = fault["pointer"]?.text ?? ""
      lines.append("  \(pointer.isEmpty ? "(the whole document)" : pointer): \(fault["detail"]?.text ?? fault["code"]?.text ?? "")")
    }
    return lines.joined(separator: "\n")
  }
}

extension JSONValue {
  /// The string, when it is one.
  package var text: String? { if case .string(let text) = self { text } else { nil } }
  /// The elements, when it is an array.
  package var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
  /// The number, when it is one; the three names of numbers that JSON does not have count.
  package var double: Double? {
    switch self {
    case .int(let value): Double(value)
    case .number(let value): value
    case .string("NaN"): .nan
    case .string("Infinity"): .infinity
    case .string("-Infinity"): -.infinity
    default: nil
    }
  }
  /// The number, when it is a whole one.
  package var integer: Int? { if case .int(let value) = self { Int(value) } else { nil } }
}
