import CZlib

/// Expands a body as it comes (RFC 1952). Several members in a row are one body (§2.2). One reader uses it, a piece after the other.
final class GzipExpansion {
  // On the heap, because zlib's state points back to it.
  private let stream: UnsafeMutablePointer<z_stream>
  private var input: [UInt8] = []
  private var used = 0
  private var isBetweenMembers = false

  /// Bytes of a piece: a body that expands a thousandfold takes no more memory than another.
  private static let most = 64 * 1024

  /// nil without memory.
  init?() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window, and 16 for gzip's header and trailer.
    guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// To be called when `next` has nothing more.
  func feed(_ bytes: [UInt8]) {
    input = bytes
    used = 0
  }

  /// The next piece; nil: feed more.
  ///
  /// - Throws: 400 for what is not gzip.
  func next() throws -> [UInt8]? {
    while used < input.count || isFull {
      if isBetweenMembers {
        guard used < input.count else { return nil }
        inflateReset(stream)
        isBetweenMembers = false
      }
      let piece = try expanded()
      if !piece.isEmpty { return piece }
      guard used < input.count else { return nil }
    }
    return nil
  }

  /// - Throws: 400 when the body ends within a member.
  func end() throws {
    guard isBetweenMembers else { throw Self.damaged("it ends before its checksum") }
  }

  /// The last piece took all the room that it had, so zlib may hold more.
  private var isFull = false

  private func expanded() throws -> [UInt8] {
    var status = Z_OK
    let piece = [UInt8](unsafeUninitializedCapacity: Self.most) { output, count in
      input.withUnsafeBufferPointer { bytes in
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress.map { $0 + used })
        stream.pointee.avail_in = UInt32(clamping: bytes.count - used)
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(Self.most)
        status = inflate(stream, Z_NO_FLUSH)
        used = bytes.count - Int(stream.pointee.avail_in)
      }
      count = Self.most - Int(stream.pointee.avail_out)
    }
    isFull = piece.count == Self.most
    switch status {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: (isBetweenMembers, isFull) = (true, false)
    default: throw Self.damaged(stream.pointee.msg.map { String(cString: $0) } ?? "it is damaged")
    }
    return piece
  }

  private static func damaged(_ reason: String) -> HTTPError {
    .badRequest("The body is not gzip, as its Content-Encoding says: \(reason).")
  }
}
