import Files

/// An open file, or a part of it, as a body. It is sent even if the file's name is removed meanwhile.
package struct FileBody: Sendable {
  package let file: OpenFile
  /// The bytes of the file to send.
  package let range: Range<Int>

  /// - Parameter range: bytes of the file; nil, all of them.
  package init(_ file: OpenFile, range: Range<Int>? = nil) {
    self.file = file
    self.range = (range ?? 0..<file.size).clamped(to: 0..<file.size)
  }

  /// Bytes in the whole file.
  package var size: Int { file.size }

  /// Another part of the same open file.
  package func part(_ range: Range<Int>) -> FileBody { FileBody(file, range: range) }

  /// The next bytes of the range from `offset` on, at most `most` of them; empty only at its end.
  ///
  /// - Throws: `StorageError` when the disk fails, `Shrunk` when the file ends within the range.
  func piece(at offset: Int, atMost most: Int) throws -> [UInt8] {
    let count = min(most, range.upperBound - offset)
    let bytes = try [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
      used = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]), at: offset)
    }
    guard !bytes.isEmpty || count == 0 else { throw Shrunk() }
    return bytes
  }

  /// The file is shorter than it was when its length was announced.
  struct Shrunk: Error, CustomStringConvertible {
    var description: String { "the file became shorter while it was open" }
  }
}

extension Response {
  /// A download with its conditions and ranges (RFC 9110 §13, §14): 200, 206, 304, 412 or 416.
  package static func file(
    _ file: FileBody, type: String, etag: EntityTag?, for request: Request, headers: HTTPFields = [:]
  ) throws -> Response {
    var response = Response(headers: headers)
    response.headers[.acceptRanges] = "bytes"
    if let etag { response.headers[.eTag] = etag.description }
    switch Preconditions.evaluate(method: request.method, headers: request.headers, current: etag) {
    case .proceed: break
    case .notModified:
      response.status = .notModified
      return response
    case .failed: throw HTTPError(.preconditionFailed, detail: "The resource is not in the state that If-Match asks for.")
    }
    response.headers[.contentType] = type
    switch ByteRange.select(method: request.method, headers: request.headers, length: file.size, etag: etag) {
    case .whole: response.body = .file(file)
    case .part(let range):
      response.status = .partialContent
      response.headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)"
      response.body = .file(file.part(range))
    case .unsatisfiable:
      throw HTTPError(
        .rangeNotSatisfiable, detail: "The range lies outside the \(file.size) bytes of this resource.",
        headers: [.contentRange: "bytes */\(file.size)", .acceptRanges: "bytes"])
    }
    return response
  }
}
