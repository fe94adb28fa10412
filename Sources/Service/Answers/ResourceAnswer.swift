import JSON
import Files
import HTTP
import Robustness

extension JSONValue {
  /// The document as an answer's body, with the line break that a terminal wants.
  var bytes: [UInt8] { Array((serialised() + "\n").utf8) }
}

extension Response {
  /// A JSON document that stands for no resource: the answer to a change.
  static func document(_ value: JSONValue, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
    .bytes(value.bytes, type: "application/json", status: status, headers: headers)
  }

  /// A resource as JSON, with its tag and its conditions.
  static func resource(_ value: JSONValue, for request: Request, headers: HTTPFields = [:]) throws -> Response {
    try .representation(value.bytes, type: "application/json", for: request, headers: headers)
  }

  /// A representation with a strong tag, the digest of its bytes: 200, 304 or 412 (RFC 9110 §13).
  static func representation(_ bytes: [UInt8], type: String, for request: Request, headers: HTTPFields = [:]) throws -> Response {
    let tag = EntityTag(digestOf: bytes)
    var headers = headers
    headers[.eTag] = tag.description
    // Whoever caches has to ask again: jobs change at any time.
    if headers[.cacheControl] == nil { headers[.cacheControl] = "no-cache" }
    headers[.vary] = "Accept"
    switch Preconditions.evaluate(method: request.method, headers: request.headers, current: tag) {
    case .proceed: return .bytes(bytes, type: type, headers: headers)
    case .notModified: return Response(status: .notModified, headers: headers)
    case .failed: throw HTTPError(.preconditionFailed, "The resource is not in the state that If-Match asks for.")
    }
  }
}

extension EntityTag {
  /// 128 bits of the digest tell two states apart as well as 256 do.
  init(digestOf bytes: [UInt8]) { self.init(strong: String(SHA256Digest.hex(of: bytes).prefix(32))) }
}
