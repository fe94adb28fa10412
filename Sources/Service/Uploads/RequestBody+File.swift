import Files
import Foundation
import HTTP

extension RequestBody {
  /// Streams the whole body into a file.
  /// - Throws: `StorageError` with `isFull` when the disk comes to its reserve.
  func write(to file: NewFile, _ space: DiskSpace) async throws {
    while let bytes = try await next() {
      try space.requireRoom(for: bytes.count)
      try file.append(bytes)
    }
  }
}

extension MultipartEvents {
  /// Streams the parts of a form into files of their own.
  /// - Parameter place: where the part of a name is to be written; it throws for a name that the form must not have.
  /// - Returns: the names of the parts in their order, and the SHA-256 of names and contents. A boundary that a client draws anew for
  ///   each request does not change it.
  func write(_ space: DiskSpace, to place: (_ part: String) throws -> URL) async throws -> (parts: [String], sha256: String) {
    var parts: [String] = []
    var file: NewFile?
    let digest = SHA256Digest()
    for try await event in self {
      switch event {
      case .part(let part):
        guard !parts.contains(part.name) else {
          throw HTTPError(.malformedBody, "The part \(part.name.prefix(100)) came twice.")
        }
        file = try NewFile(place(part.name), title: "the upload")
        parts.append(part.name)
        digest.update(Array("\(part.name)\0".utf8))
      case .data(let bytes):
        try space.requireRoom(for: bytes.count)
        try file?.append(bytes)
        digest.update(bytes)
      case .endOfPart:
        file?.keep()
        file = nil
      }
    }
    return (parts, digest.finishHex())
  }
}
