import Files
import Foundation
import Glibc
import HTTP

/// A file that grows as its bytes arrive. Not for several threads at once.
struct PartFile: ~Copyable {
  private let descriptor: Int32

  /// Makes the file, which must not be there.
  init(creating url: URL) throws { try self.init(url, O_CREAT | O_EXCL) }

  init(appendingTo url: URL) throws { try self.init(url, O_APPEND) }

  private init(_ url: URL, _ flags: Int32) throws {
    descriptor = open(url.path, O_WRONLY | O_CLOEXEC | flags, 0o644)
    guard descriptor >= 0 else { throw Self.failure("An upload's file cannot be opened") }
  }

  deinit { close(descriptor) }

  func append(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let written = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { throw Self.failure("An upload's file cannot be written") }
        rest = rest.dropFirst(written)
      }
    }
  }

  private static func failure(_ what: String) -> any Error {
    if errno == ENOSPC || errno == EDQUOT {
      return HTTPError(.storageFull, "There is no room for this upload on the service's disk.")
    }
    return WriteFailure(description: "\(what): \(String(cString: strerror(errno)))")
  }

  /// A fault of this machine; the log tells of it, the client learns that the server failed.
  private struct WriteFailure: Error, CustomStringConvertible {
    let description: String
  }
}

extension RequestBody {
  /// Streams the whole body into a file.
  /// - Returns: its SHA-256 in hexadecimal.
  func write(to url: URL) async throws -> String {
    let file = try PartFile(creating: url)
    let digest = SHA256Digest()
    while let bytes = try await next() {
      try file.append(bytes)
      digest.update(bytes)
    }
    return digest.finishHex()
  }
}

extension MultipartEvents {
  /// Streams the parts of a form into files of their own.
  /// - Parameter place: where the part of a name is to be written; it throws for a name that the form must not have.
  /// - Returns: the names of the parts in their order, and the SHA-256 of names and contents. A boundary that a client draws anew for
  ///   each request does not change it.
  func write(to place: (_ part: String) throws -> URL) async throws -> (parts: [String], sha256: String) {
    var parts: [String] = []
    var file: URL?
    let digest = SHA256Digest()
    for try await event in self {
      switch event {
      case .part(let part):
        guard !parts.contains(part.name) else {
          throw HTTPError(.malformedBody, "The part \(part.name.prefix(100)) came twice.")
        }
        let url = try place(part.name)
        _ = try PartFile(creating: url)
        parts.append(part.name)
        file = url
        digest.update(Array("\(part.name)\0".utf8))
      case .data(let bytes):
        guard let file else { continue }
        try PartFile(appendingTo: file).append(bytes)
        digest.update(bytes)
      case .endOfPart: file = nil
      }
    }
    return (parts, digest.finishHex())
  }
}
