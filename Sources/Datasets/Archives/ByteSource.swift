import Files

/// A sequential source of bytes: a file, or a decompressed one.
protocol ByteSource: AnyObject {
  /// Reads up to as many bytes as `buffer` holds.
  ///
  /// - Returns: the number of bytes; 0 only at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

/// A file, read from its beginning.
final class FileSource: ByteSource {
  let file: OpenFile
  private var offset = 0

  init(_ file: OpenFile) { self.file = file }

  var title: String { file.title }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = try file.read(into: buffer, at: offset)
    offset += count
    return count
  }
}

/// Reads the header fields and the body of one part, and counts the bytes.
final class ByteReader {
  let part: String
  /// The number of bytes that have been read.
  private(set) var offset = 0
  private let source: any ByteSource

  init(_ source: any ByteSource, part: String) {
    self.source = source
    self.part = part
  }

  /// The next `count` bytes; meant for headers.
  ///
  /// - Parameter what: names the bytes in the error when the part ends too early.
  func bytes(_ count: Int, of what: String) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = try fill(UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]))
      guard initialized == count else {
        throw DatasetError(part: part, offset: offset, "the part ends here, within \(what)")
      }
    }
  }

  /// Passes the next `total` bytes to `take` in pieces. Each piece but the last is a multiple of 16 bytes long.
  func body(_ total: Int, of what: String, _ take: (UnsafeRawBufferPointer) throws -> Void) throws {
    let start = offset
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(max(total, 1), 1 << 18), alignment: 16)
    defer { buffer.deallocate() }
    while offset - start < total {
      let wanted = min(buffer.count, total - (offset - start))
      let count = try fill(UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
      guard count == wanted else {
        throw DatasetError(
          part: part, offset: offset,
          "the part is truncated: the header promises \(total) bytes of \(what), and only \(offset - start) are there")
      }
      try take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  /// Checks that nothing follows. A decompressor compares its checksum here.
  func end(after what: String) throws {
    let place = offset
    guard try bytesLeft() else { return }
    throw DatasetError(part: part, offset: place, "the part goes on after \(what) that the header promises; it must end here")
  }

  private func bytesLeft() throws -> Bool {
    try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { try fill($0) > 0 }
  }

  /// - Returns: the number of bytes; fewer than `buffer` holds only at the end of the part.
  private func fill(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var filled = 0
    while filled < buffer.count {
      let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
      if count == 0 { break }
      filled += count
      offset += count
    }
    return filled
  }
}
