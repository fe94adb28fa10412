import JSON
import Foundation
import HTTP
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
  /// A body that is read from a file as it is sent, or the files of a form under their names; in the place of `body`.
  var upload: WebRequest.Body?
}

/// A successful answer.
struct ClientAnswer: Sendable {
  var status: Int
  var headers: WebHeaders
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

/// A client of a Temper server.
struct Client: Sendable {
  private let server: URL
  private let token: String?
  private let trust: WebTrust
  /// The seconds without a byte after which a request fails. Longer than the server's longest wait and its heartbeat.
  static let idle = 90

  /// - Throws: `CommandFailure` when `server` is not an http or https URL.
  init(server: String, token: String?, trust: WebTrust = WebTrust()) throws {
    guard let url = URL(string: server), let scheme = url.scheme, ["http", "https"].contains(scheme), url.host?.isEmpty == false else {
      throw CommandFailure(.usage, "--server (or TEMPER_SERVER) must be a URL such as http://127.0.0.1:8080, not \"\(server)\"")
    }
    self.server = url
    self.token = token.flatMap { $0.isEmpty ? nil : $0 }
    self.trust = trust
  }

  /// - Throws: `CommandFailure` when the answer is not a success, with every fault that the server names; also when there is no answer.
  func send(_ request: ClientRequest) async throws -> ClientAnswer {
    let received = Mutex<(head: WebHead?, body: Data)>((nil, Data()))
    try await transfer(
      request,
      consumer: WebTransfer.Consumer(
        head: { head in received.withLock { $0.head = head } }, data: { data in received.withLock { $0.body.append(data) } }))
    let (head, body) = received.withLock { ($0.head, $0.body) }
    guard let head else { throw CommandFailure(.unreachable, "\(server.absoluteString) gave no answer") }
    guard (200..<300).contains(head.status) else { throw Refusal(status: head.status, headers: head.headers, body: body) }
    return ClientAnswer(status: head.status, headers: head.headers, body: body)
  }

  /// Passes the answer to `consumer` piece by piece, whatever its status is.
  func transfer(_ request: ClientRequest, idle: Int = Client.idle, consumer: WebTransfer.Consumer) async throws {
    do {
      try await WebTransfer.run(try webRequest(request, idle: idle), consumer)
    } catch let failure as WebFailure {
      try Task.checkCancellation()
      guard failure.kind != .unreadableFile else { throw CommandFailure(.usage, failure.description) }
      throw LostConnection(server: server.absoluteString, failure: failure)
    }
  }

  /// A connection that ended before all that was announced had come.
  var broken: LostConnection { LostConnection(server: server.absoluteString, failure: WebFailure(.connectionLost, "the connection broke")) }

  private func webRequest(_ request: ClientRequest, idle: Int) throws -> WebRequest {
    guard var components = URLComponents(url: server, resolvingAgainstBaseURL: false) else {
      throw CommandFailure(.usage, "\(server.absoluteString) is not a URL")
    }
    let base = components.percentEncodedPath
    components.percentEncodedPath = (base.hasSuffix("/") ? String(base.dropLast()) : base) + request.path
    if !request.query.isEmpty {
      components.queryItems = request.query.map { URLQueryItem(name: $0.name, value: $0.value) }
    }
    guard let url = components.url else { throw CommandFailure(.usage, "\(request.path) is no path of a URL") }
    var result = WebRequest(request.method, url.absoluteString)
    (result.trust, result.idleSeconds) = (trust, idle)
    result.body = request.upload ?? request.body.map { .bytes(Array($0)) }
    // Ranges and digests are those of the uncompressed body.
    var headers = ["User-Agent": "temper/\(TemperVersion.current)", "Accept-Encoding": "identity"]
    if request.body != nil { headers["Content-Type"] = "application/json" }
    if let token { headers["Authorization"] = "Bearer \(token)" }
    result.headers = headers.merging(request.headers) { $1 }.map { (name: $0.key, value: $0.value) }
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
  var failure: WebFailure

  var description: String {
    let reason =
      switch failure.kind {
      case .cannotConnect: "nothing listens there"
      case .unknownHost: "its name cannot be resolved"
      case .timedOut: "it did not answer in time"
      case .connectionLost: "the connection broke"
      case .untrusted:
        "\(failure); where the authority of its certificate is one of your own, name it with --cacert FILE or TEMPER_CA"
      default: failure.description
      }
    guard failure.kind != .untrusted else { return "cannot reach the server \(server): \(reason)" }
    return "cannot reach the server \(server): \(reason); is `temper serve` running there? (--server, TEMPER_SERVER)"
  }
}

/// An answer of the server that is not a success.
struct Refusal: Error, CustomStringConvertible {
  var status: Int
  /// The seconds after which to try again, as the server asked.
  var retryAfter: Double?
  var body: Data

  init(status: Int, headers: WebHeaders, body: Data) {
    self.status = status
    self.body = body
    retryAfter = headers["Retry-After"].flatMap(Double.init)
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
