import COpenSSL
import Glibc

/// A non-blocking socket with TLS. The handshake takes place within the first reads and writes.
///
/// `@unchecked Sendable`: it is used on the connection's queue only, and closed when nothing else uses it.
final class TLSTransport: Transport, @unchecked Sendable {
  let descriptor: Int32
  private let state: OpaquePointer
  /// After such a fault OpenSSL must not be asked to say goodbye (SSL_get_error(3)).
  private var isBroken = false

  init(descriptor: Int32, state: OpaquePointer) {
    self.descriptor = descriptor
    self.state = state
  }

  var isSecure: Bool { true }

  // One record, at most 16 KiB, is decrypted at a time, so a buffer of 64 KiB never leaves decrypted bytes behind that no event of the
  // socket would announce.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> TransportResult {
    ERR_clear_error()
    errno = 0
    let count = SSL_read(state, buffer.baseAddress, Int32(clamping: buffer.count))
    return count > 0 ? .bytes(Int(count)) : result(count, isWriting: false)
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> TransportResult {
    ERR_clear_error()
    errno = 0
    let count = SSL_write(state, bytes.baseAddress, Int32(clamping: bytes.count))
    return count > 0 ? .bytes(Int(count)) : result(count, isWriting: true)
  }

  private func result(_ count: Int32, isWriting: Bool) -> TransportResult {
    let code = errno
    switch SSL_get_error(state, count) {
    case SSL_ERROR_WANT_READ: return isWriting ? .blockedOnInput : .blocked
    case SSL_ERROR_WANT_WRITE: return .blocked
    case SSL_ERROR_ZERO_RETURN: return .ended
    case SSL_ERROR_SYSCALL:
      isBroken = true
      return code == 0 && !isWriting ? .ended : .failed(code == 0 ? EPIPE : code)
    default:
      isBroken = true
      return .failed(EPROTO)
    }
  }

  func endOutput() {
    if !isBroken, SSL_is_init_finished(state) == 1 { SSL_shutdown(state) }
    shutdown(descriptor, Int32(SHUT_WR))
  }

  func close() {
    SSL_free(state)
    Glibc.close(descriptor)
  }
}
