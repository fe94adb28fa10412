import CZlib

/// Compression of whole answers (RFC 1952).
enum Gzip {
  /// nil without memory.
  static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
    // On the heap, because zlib's state points back to it.
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    // 15 bits of window, and 16 for gzip's header and trailer. Level 5 takes half the time of level 6 for 2 % more bytes.
    let size = Int32(MemoryLayout<z_stream>.size)
    guard deflateInit2_(stream, 5, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else { return nil }
    defer { deflateEnd(stream) }
    let bound = Int(deflateBound(stream, UInt(bytes.count)))
    var status = Z_OK
    let output = [UInt8](unsafeUninitializedCapacity: bound) { output, used in
      bytes.withUnsafeBufferPointer { input in
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(bound)
        status = deflate(stream, Z_FINISH)
      }
      used = bound - Int(stream.pointee.avail_out)
    }
    return status == Z_STREAM_END ? output : nil
  }
}
