import Files
import Foundation
import HTTP
import Jobs
import Synchronization

/// `Idempotency-Key`: a request that is sent again creates nothing again.
final class Idempotency: Sendable {
  private let store: Store
  /// Keys whose first request is still being handled.
  private let busy = Mutex<Set<IdempotencyKey>>([])

  init(_ store: Store) { self.store = store }

  /// The key of a request, nil when it has none.
  /// - Parameter digest: of the body. The query counts with it, since it says what is to be made of the body.
  /// - Throws: 400 for a key of no sane form.
  func key(of call: Call, digest: String) throws -> IdempotencyKey? {
    guard let text = call.request.headers[.idempotencyKey] else { return nil }
    guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) else {
      throw HTTPError(.badHeader, "An Idempotency-Key has 1 to 255 characters of visible ASCII, with blanks between them.")
    }
    let query = call.request.query.items.map { "\($0.name)=\($0.value)" }.sorted().joined(separator: "&")
    return IdempotencyKey(
      owner: call.viewer.maker, key: text, route: "\(call.request.method.rawValue) \(call.request.path)",
      digest: SHA256Digest.hex(of: Array("\(digest)?\(query)".utf8)))
  }

  /// The answer that the key already has; what the request would need may have gone since.
  /// - Throws: 422 when it was used with another body; 410 when what it made was deleted since: it is not made again, and the answer that says
  ///   where it is would be wrong.
  func replay(_ key: IdempotencyKey?) throws -> Response? {
    guard let key, let known = try store.lookUp(key) else { return nil }
    let response = try Self.response(known)
    if let id = response.headers[.location]?.split(separator: "/").last.map(String.init), try !store.exists(id) {
      throw HTTPError(.deleted, "\(id), which the request with this key made, was deleted; a new request needs a new key.")
    }
    return response
  }

  /// Answers by `create`, which stores what it creates and the answer in one transaction. What `create` throws leaves the key free.
  func once(_ key: IdempotencyKey?, create: () throws -> CreationAnswer) throws -> Response {
    guard let key else { return try Self.response(create()) }
    guard busy.withLock({ $0.insert(key).inserted }) else {
      throw HTTPError(.idempotencyInProgress, "Send the request again in a while to get its answer.", headers: [.retryAfter: "1"])
    }
    defer { busy.withLock { _ = $0.remove(key) } }
    return try replay(key) ?? Self.response(create())
  }

  private static func response(_ answer: CreationAnswer) throws -> Response {
    switch answer {
    case .created(let answer): response(answer, isReplay: false)
    case .replayed(let answer): response(answer, isReplay: true)
    case .otherBody: throw mismatch
    }
  }

  static func stored(_ response: Response) -> StoredAnswer {
    var body = Data()
    if case .bytes(let bytes) = response.body { body = Data(bytes) }
    return StoredAnswer(status: response.status.code, headers: response.headers.map { ($0.name.rawName, $0.value) }, body: body)
  }

  private static func response(_ answer: StoredAnswer, isReplay: Bool) -> Response {
    var headers: HTTPFields = [:]
    for pair in answer.headers where pair.count == 2 {
      if let name = HTTPField.Name(pair[0]) { headers[name] = pair[1] }
    }
    if isReplay { headers[.idempotencyReplayed] = "true" }
    return Response(status: HTTPResponse.Status(code: answer.status), headers: headers, body: .bytes([UInt8](answer.body)))
  }

  private static let mismatch = HTTPError(
    .idempotencyMismatch, "The key was used for a request with another body; a new request needs a new key.")
}
