import Glibc

/// What a connection reads and writes through: the place where encryption goes in.
protocol Transport: Sendable {
  /// For event sources only.
  var descriptor: Int32 { get }
  func read(into buffer: UnsafeMutableRawBufferPointer) -> TransportResult
  func write(_ bytes: UnsafeRawBufferPointer) -> TransportResult
  /// Tells the peer that nothing more will come.
  func endOutput()
  /// Once, when no event source watches the descriptor any more.
  func close()
}

enum TransportResult: Equatable {
  /// So many were moved, at least one.
  case bytes(Int)
  /// None now; the event source will tell when to try again.
  case blocked
  /// The peer has ended its side.
  case ended
  /// With its `errno`.
  case failed(Int32)
}

/// A non-blocking socket as it is.
struct PlainTransport: Transport {
  let descriptor: Int32

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
