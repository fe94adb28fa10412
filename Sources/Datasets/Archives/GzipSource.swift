import CZlib
import Files
import Glibc

/// A decompressed gzip file (RFC 1952). Several members in a row are one stream, as for `gzip -d`.
final class GzipSource: ByteSource {
  private let file: FileSource
  // On the heap, because zlib's state points back to it.
  private let stream: UnsafeMutablePointer<z_stream>
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
  private var betweenMembers = false
  private var produced = 0

  /// Whether a file begins with the magic of gzip.
  static func recognises(_ file: OpenFile) throws -> Bool {
    try withUnsafeTemporaryAllocation(byteCount: 2, alignment: 1) { try file.read(into: $0, at: 0) == 2 && $0[0] == 0x1F && $0[1] == 0x8B }
  }

  init(_ file: OpenFile) throws {
    self.file = FileSource(file)
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window, and 16 for a gzip header.
    guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw StorageError("\(file.title) cannot be decompressed", errno: ENOMEM)
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
    input.deallocate()
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let room = UInt32(clamping: buffer.count)
    stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = room
    while stream.pointee.avail_out == room {
      guard try refill() else { return 0 }
      if betweenMembers {
        inflateReset(stream)
        betweenMembers = false
      }
      try advance()
    }
    let count = Int(room - stream.pointee.avail_out)
    produced += count
    return count
  }

  /// - Returns: false at the end of the file. Inside a member this is an error.
  private func refill() throws -> Bool {
    guard stream.pointee.avail_in == 0 else { return true }
    let count = try file.read(into: input)
    stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_in = UInt32(count)
    if count == 0 && !betweenMembers {
      throw DatasetError(part: file.title, offset: produced, "the gzip file is truncated: it ends before its checksum")
    }
    return count > 0
  }

  private func advance() throws {
    switch inflate(stream, Z_NO_FLUSH) {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: betweenMembers = true
    default:
      let reason = stream.pointee.msg.map { String(cString: $0) } ?? "damaged"
      throw DatasetError(part: file.title, offset: produced, "the gzip data is damaged: \(reason)")
    }
  }
}
