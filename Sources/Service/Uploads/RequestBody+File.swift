import Files
import Foundation
import HTTP

extension RequestBody {
  /// Streams the whole body into a file.
  /// - Returns: whether it looks like a file that lost its line breaks and NULs on the way.
  /// - Throws: `StorageError` with `isFull` when the disk reaches its reserve.
  @discardableResult
  func write(to file: NewFile, _ space: DiskSpace) async throws -> Bool {
    var isStripped = true
    while let bytes = try await next() {
      try space.requireRoom(for: bytes.count)
      try file.append(bytes)
      isStripped = isStripped && !bytes.contains { $0 == 0 || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
    }
    return isStripped
  }
}

extension MultipartEvents {
  /// Streams each part of a form into its own file.
  /// - Parameter place: returns the file for a part's name, and how many of that name came before; throws for what is not allowed.
  /// - Returns: the names of the parts in order, and the SHA-256 of names and contents. It does not depend on the boundary, which clients
  ///   choose at random for each request.
  func write(_ space: DiskSpace, to place: (_ part: String, _ number: Int) throws -> URL) async throws -> (parts: [String], sha256: String)
  {
    var parts: [String] = []
    var file: NewFile?
    let digest = SHA256Digest()
    for try await event in self {
      switch event {
      case .part(let part):
        file = try NewFile(place(part.name, parts.count { $0 == part.name }), title: "the upload")
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
