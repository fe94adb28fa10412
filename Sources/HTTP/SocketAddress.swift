import Glibc

/// The address of one end of a connection.
package struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
  /// A numeric address, without brackets.
  package let host: String
  package let port: Int

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// The address that `body` (`getsockname`, `accept`) fills in; nil when `body` fails.
  init?(filledBy body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32) {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let name = withUnsafeMutablePointer(to: &storage) { pointer -> (String, String)? in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard body(address, &length) >= 0 else { return nil }
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let flags = NI_NUMERICHOST | NI_NUMERICSERV
        guard getnameinfo(address, length, &host, socklen_t(host.count), &port, socklen_t(port.count), flags) == 0 else { return nil }
        return (Self.text(host), Self.text(port))
      }
    }
    guard let name, let port = Int(name.1) else { return nil }
    host = name.0
    self.port = port
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
