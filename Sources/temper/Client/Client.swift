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

/// A successful answer.
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

/// Header fields by name; case does not matter.
struct ClientHeaders: Sendable {
  private let fields: [String: String]

  init(_ response: HTTPURLResponse) {
    var fields: [String: String] = [:]
    for (name, value) in response.allHeaderFields { fields["\(name)".lowercased()] = "\(value)" }
    self.fields = fields
  }

  subscript(_ name: String) -> String? { fields[name.lowercased()] }
}

/// A client of a Temper server.
struct Client: Sendable {
  private let server: URL
  private let token: String?
  /// The seconds without a byte after which a request fails. Longer than the server's longest wait and its heartbeat.
  static let idle = 90.0

  /// Of the server, without a slash at its end.
  var address: String { String(server.absoluteString.reversed().drop { $0 == "/" }.reversed()) }

  /// - Throws: `CommandFailure` when `server` is not an http or https URL.
  init(server: String, token: String?) throws {
    guard let url = URL(string: server), let scheme = url.scheme, ["http", "https"].contains(scheme), url.host?.isEmpty == false else {
      throw CommandFailure(.usage, "--server (or TEMPER_SERVER) must be a URL such as http://127.0.0.1:8080, not \"\(server)\"")
    }
    self.server = url
    self.token = token.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// - Throws: `CommandFailure` when the answer is not a success, with every fault that the server names; also when there is no answer.
  /// - Parameter idle: the seconds without a byte after which it fails.
  func send(_ request: ClientRequest, idle: Double = Client.idle) async throws -> ClientAnswer {
    let received = Mutex<(head: HTTPURLResponse?, body: Data)>((nil, Data()))
    try await transfer(
      request, idle: idle,
      consumer: Transfer.Consumer(
        head: { head in received.withLock { $0.head = head } }, data: { data in received.withLock { $0.body.append(data) } }))
    let (head, body) = received.withLock { ($0.head, $0.body) }
    guard let head else { throw CommandFailure(.unreachable, "\(server.absoluteString) gave no answer") }
    guard (200..<300).contains(head.statusCode) else { throw Refusal(status: head.statusCode, headers: ClientHeaders(head), body: body) }
    return ClientAnswer(status: head.statusCode, headers: ClientHeaders(head), body: body)
  }

  /// Passes the answer to `consumer` piece by piece, whatever its status is.
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
    // Ranges and digests are those of the uncompressed body.
    result.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
    if request.body != nil { result.setValue("application/json", forHTTPHeaderField: "Content-Type") }
    if let token { result.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
    for (name, value) in request.headers { result.setValue(value, forHTTPHeaderField: name) }
    return result
  }

  /// Percent-encodes one segment of a path.
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

/// An answer of the server that is not a success.
struct Refusal: Error, CustomStringConvertible {
  var status: Int
  /// The seconds after which to try again, as the server asked.
  var retryAfter: Double?
  var body: Data

  init(status: Int, headers: ClientHeaders, body: Data) {
    self.status = status
    self.body = body
    retryAfter = headers["Retry-After"].flatMap(Double.init)
  }

  /// The problem document, where the answer is one.
  var problem: JSONValue? {
    guard let problem = try? JSONValue(parsing: body), case .object = problem else { return nil }
    return problem
  }

  /// The problem document (RFC 9457) as text, with a line for each fault and its JSON Pointer.
  var description: String {
    guard let problem = try? JSONValue(parsing: body), case .object = problem else { return "the server answers with status \(status)" }
    var lines = [problem["detail"]?.string ?? problem["title"]?.string ?? "the server answers with status \(status)"]
    for fault in problem["errors"]?.elements ?? [] {
      let pointer = fault["pointer"]?.string ?? ""
      lines.append("  \(pointer.isEmpty ? "(the whole document)" : pointer): \(fault["detail"]?.string ?? fault["code"]?.string ?? "")")
    }
    return lines.joined(separator: "\n")
  }
}

extension JSONValue {
  /// The elements of an array; `nil` for every other value.
  package var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
}
