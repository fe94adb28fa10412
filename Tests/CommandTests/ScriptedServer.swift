import Foundation
import Glibc
import Synchronization

/// A server that answers each connection with the next prepared bytes, whatever the request is, and closes it. So a test decides where an
/// answer breaks off.
final class ScriptedServer: Sendable {
  let port: Int
  private let descriptor: Int32
  private let state: Mutex<(answers: ArraySlice<[UInt8]>, requests: [String])>

  /// - Parameter answers: head and body, line breaks as they are.
  init(_ answers: [String]) throws {
    state = Mutex((answers.map { Array($0.utf8) }[...], []))
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isReady = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
        bind(descriptor, name, length) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, name, &length) == 0
      }
    }
    guard isReady else { throw POSIXError(.EADDRNOTAVAIL) }
    port = Int(UInt16(bigEndian: address.sin_port))
    let thread = Thread { [weak self] in
      while true {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0 else { return }
        self?.serve(connection)
        close(connection)
      }
    }
    thread.start()
  }

  deinit {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }

  var url: String { "http://127.0.0.1:\(port)" }
  /// The heads of the requests so far.
  var requests: [String] { state.withLock { $0.requests } }

  private func serve(_ connection: Int32) {
    var head: [UInt8] = []
    var byte: UInt8 = 0
    while !head.suffix(4).elementsEqual([13, 10, 13, 10]), recv(connection, &byte, 1, 0) == 1 { head.append(byte) }
    let answer = state.withLock { state -> [UInt8]? in
      state.requests.append(String(decoding: head, as: UTF8.self))
      return state.answers.popFirst()
    }
    if let answer { _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL)) }
  }

  /// A well-formed answer.
  static func answer(status: String = "200 OK", headers: [String] = ["Content-Type: application/json"], _ body: String) -> String {
    (["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)", "Connection: close"] + headers).joined(separator: "\r\n") + "\r\n\r\n"
      + body
  }
}
