import Foundation
import Glibc

/// A part of a file, or all of it, as a body. The file is opened at once, so that what is sent is this file even when its name is
/// removed meanwhile.
package final class FileBody: Sendable {
  private let descriptor: Int32
  /// Bytes in the whole file.
  package let size: Int
  /// What is sent of it.
  package let range: Range<Int>

  /// - Throws: ``CannotOpen``; it says why, without the path.
  package init(path: String, range: Range<Int>? = nil) throws {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw CannotOpen(code: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw CannotOpen(code: EINVAL)
    }
    size = Int(status.st_size)
    self.range = (range ?? 0..<size).clamped(to: 0..<size)
  }

  private init(duplicate descriptor: Int32, size: Int, range: Range<Int>) {
    self.descriptor = descriptor
    self.size = size
    self.range = range.clamped(to: 0..<size)
  }

  deinit { close(descriptor) }

  /// Another part of the same open file.
  package func part(_ range: Range<Int>) throws -> FileBody {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw CannotOpen(code: errno) }
    return FileBody(duplicate: copy, size: size, range: range)
  }

  /// Up to `count` bytes from `offset` of the file; empty at its end.
  func read(at offset: Int, count: Int) throws -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
      var result: Int
      repeat { result = pread(descriptor, buffer.baseAddress, count, offset) } while result < 0 && errno == EINTR
      if result < 0 { failure = errno }
      used = max(0, result)
    }
    guard failure == 0 else { throw CannotOpen(code: failure) }
    return bytes
  }

  /// The file is shorter than it was when its length was announced.
  struct Shrunk: Error {}

  package struct CannotOpen: Error, CustomStringConvertible {
    package let code: Int32
    package var description: String { "The file cannot be read: \(String(cString: strerror(code)))." }
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
      response.body = .file(try file.part(range))
    case .unsatisfiable:
      throw HTTPError(
        .rangeNotSatisfiable, detail: "The range lies outside the \(file.size) bytes of this resource.",
        headers: [.contentRange: "bytes */\(file.size)", .acceptRanges: "bytes"])
    }
    return response
  }
}
