import Glibc

/// The byte stream of a connection.
protocol Transport: Sendable {
  /// Used for event sources only.
  var descriptor: Int32 { get }
  func read(into buffer: UnsafeMutableRawBufferPointer) -> TransportResult
  func write(_ bytes: UnsafeRawBufferPointer) -> TransportResult
  /// Whether the bytes are encrypted on the wire. They then pass through memory, so the system cannot send a file by itself.
  var isSecure: Bool { get }
  /// Closes the sending side.
  func endOutput()
  /// Called once, when no event source watches the descriptor any more.
  func close()
}

enum TransportResult: Equatable {
  /// The number of bytes that were moved, at least one.
  case bytes(Int)
  /// None for now. The event source fires when it is worth trying again.
  case blocked
  /// None before the client has sent something: a handshake is under way.
  case blockedOnInput
  /// The client has closed its sending side.
  case ended
  /// An error, with its `errno`.
  case failed(Int32)
}

/// A non-blocking socket without encryption.
struct PlainTransport: Transport {
  let descriptor: Int32
  var isSecure: Bool { false }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> TransportResult {
    var count: Int
    repeat { count = recv(descriptor, buffer.baseAddress, buffer.count, 0) } while count < 0 && errno == EINTR
    return count == 0 ? .ended : Self.result(count)
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> TransportResult {
    var count: Int
    repeat { count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) } while count < 0 && errno == EINTR
    return Self.result(count)
  }

  func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

  func close() { Glibc.close(descriptor) }

  private static func result(_ count: Int) -> TransportResult {
    if count > 0 { return .bytes(count) }
    return errno == EAGAIN || errno == EWOULDBLOCK ? .blocked : .failed(errno)
  }
}
