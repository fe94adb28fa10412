import Glibc

/// A connection that ends before its first byte.
struct DeadTransport: Transport {
  let descriptor: Int32
  var isSecure: Bool { true }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> TransportResult { .failed(ENOMEM) }
  func write(_ bytes: UnsafeRawBufferPointer) -> TransportResult { .failed(ENOMEM) }
  func endOutput() {}
  func close() { Glibc.close(descriptor) }
}
