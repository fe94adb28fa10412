import Dispatch
import Glibc

/// The listening socket.
final class Listener: @unchecked Sendable {  // safe: `suspended` and `cancelled` are touched on `queue` only
  package struct CannotListen: Error, CustomStringConvertible {
    package let description: String
  }

  let address: SocketAddress
  private let descriptor: Int32
  private let queue: DispatchQueue
  private let source: any DispatchSourceRead
  private var suspended = false
  private var cancelled = false
  /// Takes a new socket. Returns false when no more can be taken for now.
  private let accepted: (Int32, SocketAddress) -> Bool

  init(host: String, port: Int, queue: DispatchQueue, accepted: @escaping (Int32, SocketAddress) -> Bool) throws {
    (descriptor, address) = try Self.bound(host: host, port: port)
    self.queue = queue
    self.accepted = accepted
    source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
    let descriptor = descriptor
    source.setCancelHandler { close(descriptor) }
    source.setEventHandler { [unowned self] in accept() }
    source.activate()
  }

  /// Stops listening. The descriptor is closed after the last event.
  func cancel() {
    queue.async { [self] in
      guard !cancelled else { return }
      cancelled = true
      source.cancel()
      if suspended { source.resume() }
    }
  }

  private func accept() {
    // Bounded, because other connections wait on this queue too.
    for _ in 0..<64 {
      var client: Int32 = -1
      var code: Int32 = 0
      let address = SocketAddress { name, length in
        client = Glibc.accept(descriptor, name, length)
        code = errno
        return client
      }
      guard client >= 0 else {
        switch code {
        case EINTR, ECONNABORTED: continue
        // Out of descriptors or memory. Without a pause the source would fire again and again.
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return pause()
        default: return
        }
      }
      Self.prepare(client)
      guard accepted(client, address ?? SocketAddress(host: "unknown", port: 0)) else { return pause() }
    }
  }

  private func pause() {
    guard !suspended, !cancelled else { return }
    suspended = true
    source.suspend()
    queue.asyncAfter(deadline: .now() + .milliseconds(100)) { [self] in
      guard suspended, !cancelled else { return }
      suspended = false
      source.resume()
    }
  }

  private static func prepare(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  private static func bound(host: String, port: Int) throws -> (Int32, SocketAddress) {
    guard (0...65_535).contains(port) else { throw CannotListen(description: "The port must be between 0 and 65535, not \(port).") }
    var hints = addrinfo()
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let result = getaddrinfo(host, String(port), &hints, &list)
    defer { if let list { freeaddrinfo(list) } }
    guard result == 0, let info = list?.pointee else {
      throw CannotListen(description: "The host \(host) to listen on is not known: \(String(cString: gai_strerror(result))).")
    }
    let descriptor = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw CannotListen(description: "No socket could be made: \(String(cString: strerror(errno))).") }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    guard bind(descriptor, info.ai_addr, info.ai_addrlen) == 0, listen(descriptor, 1024) == 0 else {
      let code = errno
      close(descriptor)
      throw CannotListen(description: explanation(code, SocketAddress(host: host, port: port)))
    }
    guard let address = SocketAddress(filledBy: { getsockname(descriptor, $0, $1) }) else {
      close(descriptor)
      throw CannotListen(description: "The address of the listening socket cannot be read.")
    }
    return (descriptor, address)
  }

  private static func explanation(_ code: Int32, _ address: SocketAddress) -> String {
    switch code {
    case EADDRINUSE: "\(address) is already in use: another process listens there. Choose another port, or 0 for any free one."
    case EACCES: "Listening on \(address) is not permitted: ports below 1024 need a privilege."
    case EADDRNOTAVAIL: "\(address) is no address of this machine."
    default: "Listening on \(address) failed: \(String(cString: strerror(code)))."
    }
  }
}
