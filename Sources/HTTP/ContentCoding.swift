/// The coding of answers (RFC 9110 §8.4, §12.5.3). A coded answer is another representation: its tag ends with `-gzip`.
package enum ContentCoding {
  /// Bytes. A smaller answer fits into the first packets of a connection anyway.
  private static let least = 4 * 1024
  /// Bytes. A larger answer is not compressed on a queue that sockets share, but by a handler.
  private static let mostAtOnce = 32 * 1024
  private static let suffix = "-gzip"

  /// The codings of a body, without those that change nothing.
  static func codings(_ headers: HTTPFields) -> [String] { ASCII.list(headers[values: .contentEncoding]).filter { $0 != "identity" } }

  /// RFC 9110 §8.4.1.3: `x-gzip` is the same.
  static func isGzip(_ coding: String) -> Bool { coding == "gzip" || coding == "x-gzip" }

  /// The request with the tags of its conditions as the representation without a coding has them.
  package static func decoded(_ request: Request) -> Request {
    guard [HTTPField.Name.ifNoneMatch, .ifMatch].contains(where: { request.headers[$0]?.contains("\(suffix)\"") == true }) else {
      return request
    }
    var headers = request.headers
    for name in [HTTPField.Name.ifNoneMatch, .ifMatch] {
      let values = headers[values: name]
      if !values.isEmpty { headers[values: name] = values.map { $0.replacing("\(suffix)\"", with: "\"") } }
    }
    return Request(
      method: request.method, target: request.target, headers: headers, remoteAddress: request.remoteAddress, requestID: request.requestID,
      body: request.body, notes: request.notes)
  }

  /// Whether the answer to a request is to be compressed, and is too large to be on the socket's queue.
  package static func needsHandler(_ response: Response, for request: Request) -> Bool {
    guard case .bytes(let bytes) = response.body, bytes.count > mostAtOnce else { return false }
    return isCompressible(response) && accepts(request)
  }

  /// Compresses an answer where its type gains by it and the client takes it.
  package static func encode(_ response: inout Response, for request: Request) {
    guard accepts(request) else { return }
    if response.status.code == 304 {
      // The tag of the representation that the client has.
      if request.headers[values: .ifNoneMatch].contains(where: { $0.contains("\(suffix)\"") }) { tag(&response) }
      return
    }
    guard isLarge(response), isCompressible(response), case .bytes(let bytes) = response.body, let coded = Gzip.compressed(bytes) else {
      return
    }
    response.body = .bytes(coded)
    response.headers[.contentEncoding] = "gzip"
    tag(&response)
  }

  private static func tag(_ response: inout Response) {
    guard let text = response.headers[.eTag], let tag = EntityTag(text) else { return }
    response.headers[.eTag] = (tag.isWeak ? EntityTag(weak: tag.value + suffix) : EntityTag(strong: tag.value + suffix)).description
  }

  /// Says that the answer depends on what the client takes, whether it was compressed or not.
  package static func vary(_ response: inout Response) {
    guard response.status.code == 304 || isLarge(response) && isCompressible(response) else { return }
    let fields = ASCII.list(response.headers[values: .vary])
    guard !fields.contains("accept-encoding"), !fields.contains("*") else { return }
    response.headers[.vary] = (response.headers[values: .vary] + ["Accept-Encoding"]).joined(separator: ", ")
  }

  private static func isLarge(_ response: Response) -> Bool {
    if case .bytes(let bytes) = response.body { bytes.count >= least } else { false }
  }

  private static func isCompressible(_ response: Response) -> Bool {
    guard response.headers[.contentEncoding] == nil, response.status.code != 206, let type = response.headers[.contentType] else {
      return false
    }
    let media = ASCII.lowercased(ASCII.trimmed(ASCII.text(type, before: UInt8(ascii: ";"))))
    guard media != "text/event-stream" else { return false }
    return media.hasPrefix("text/") || media.hasSuffix("json") || media.hasSuffix("xml")
  }

  /// Whether gzip is named, or everything is, with a weight above 0.
  private static func accepts(_ request: Request) -> Bool {
    var all = false
    for element in HTTPText.list(request.headers[values: .acceptEncoding]) {
      let parts = HTTPText.parts(element).map { ASCII.lowercased($0) }
      let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
      switch parts.first {
      case let coding? where isGzip(coding): return weight > 0
      case "*"?: all = weight > 0
      default: continue
      }
    }
    return all
  }
}
