import Glibc

/// The rest of a file that is sent as an answer. A step runs on a file queue and never waits for the client, only for the disk.
struct FileTransfer: Sendable {
  enum Step: Sendable {
    /// So many bytes went to the socket; `isBlocked` when it takes no more for now.
    case sent(Int, isBlocked: Bool)
    /// Bytes to be sent by the connection, for a transport that encrypts.
    case read([UInt8])
    case socketFailed(Int32)
    case fileFailed(String)
  }

  /// Bytes that are sent from memory together with the head: small files need no second step.
  static let firstPiece = 16 * 1024
  /// Bytes of one step, so that one fast client does not keep a queue from the others.
  private static let mostSent = 1 << 20
  /// Bytes that are read for a transport that encrypts. A slow client holds so many in memory.
  private static let mostRead = 32 * 1024

  let body: FileBody
  private(set) var offset: Int

  init(_ body: FileBody, from offset: Int) {
    self.body = body
    self.offset = offset
  }

  var isComplete: Bool { offset >= body.range.upperBound }

  mutating func advance(by count: Int) { offset += count }

  func step(to transport: some Transport) -> Step {
    guard !transport.isSecure else {
      do { return .read(try body.piece(at: offset, atMost: Self.mostRead)) } catch { return .fileFailed("\(error)") }
    }
    return send(to: transport.descriptor)
  }

  private func send(to socket: Int32) -> Step {
    var position = off_t(offset)
    let end = min(body.range.upperBound, offset + Self.mostSent)
    while Int(position) < end {
      let count = sendfile(socket, body.file.descriptor, &position, end - Int(position))
      let code = errno
      if count > 0 || (count < 0 && code == EINTR) { continue }
      let sent = Int(position) - offset
      switch (count, code) {
      case (0, _): return sent > 0 ? .sent(sent, isBlocked: false) : .fileFailed(FileBody.Shrunk().description)
      case (_, EAGAIN): return .sent(sent, isBlocked: true)
      case (_, EPIPE), (_, ECONNRESET), (_, ENOTCONN), (_, ETIMEDOUT): return .socketFailed(code)
      default: return .fileFailed(String(cString: strerror(code)))
      }
    }
    return .sent(Int(position) - offset, isBlocked: false)
  }
}
