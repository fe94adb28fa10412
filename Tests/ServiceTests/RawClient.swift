import Foundation
import Glibc

/// A socket that can send malformed requests.
enum RawClient {
  /// Sends `text`, closes its sending side, and returns the answer. It runs on a separate thread.
  static func send(_ text: String, port: Int) async throws -> Answer {
    let bytes = Array(text.utf8)
    let answer: Data = await withCheckedContinuation { continuation in
      let thread = Thread { continuation.resume(returning: exchange(bytes, port)) }
      thread.start()
    }
    let end = answer.range(of: Data("\r\n\r\n".utf8))?.upperBound ?? answer.endIndex
    return try Answer(head: answer[..<end], body: answer[end...])
  }

  private static func exchange(_ bytes: [UInt8], _ port: Int) -> Data {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard connected == 0 else { return Data() }
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent) }
      guard count > 0 else { break }
      sent += count
    }
    shutdown(descriptor, Int32(SHUT_WR))
    var answer = Data()
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return answer }
      answer.append(contentsOf: buffer[..<count])
    }
  }
}
