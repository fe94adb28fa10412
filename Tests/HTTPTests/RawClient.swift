import Glibc

/// A blocking socket that sends exactly the bytes it is given.
final class RawClient: @unchecked Sendable {  // safe: a test uses it on one thread at a time
  struct Answer {
    let status: Int
    let headers: [String: String]
    let body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }
  }

  private struct Failure: Error {
    let what: String
  }

  private let descriptor: Int32
  private var received: [UInt8] = []
  private(set) var ended = false
  private(set) var wasReset = false

  init(port: Int, receiveBuffer: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size)) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard result == 0 else { throw Failure(what: "connect: \(errno)") }
  }

  deinit { close(descriptor) }

  /// Returns false when the peer takes no more.
  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress! + offset, bytes.count - offset, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      offset += count
    }
    return true
  }

  func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Reads once, waiting at most so many milliseconds; false when nothing came.
  @discardableResult
  func receive(within milliseconds: Int32 = 20_000) -> Bool {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard Glibc.poll(&poll, 1, milliseconds) > 0 else { return false }
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    if count <= 0 {
      ended = true
      wasReset = count < 0
      return false
    }
    received += buffer[..<count]
    return true
  }

  /// Everything that comes until the peer closes.
  func receiveAll() -> String {
    while receive() {}
    return String(decoding: received, as: UTF8.self)
  }

  /// The bytes that were received and not yet taken as an answer.
  var pending: String { String(decoding: received, as: UTF8.self) }

  func receive(until marker: String) throws {
    while !pending.contains(marker) {
      guard receive() else { throw Failure(what: "ended before \(marker): \(pending)") }
    }
  }

  /// The next answer, with its body by Content-Length, chunks, or none.
  func answer(toHead: Bool = false) throws -> Answer {
    let end = Array("\r\n\r\n".utf8)
    var position: Int?
    while true {
      position = received.indices.first { received[$0...].starts(with: end) }
      if position != nil { break }
      guard receive() else { throw Failure(what: "no answer: \(pending)") }
    }
    guard let position else { throw Failure(what: "no head") }
    let lines = String(decoding: received[..<position], as: UTF8.self).split(separator: "\r\n")
    received.removeFirst(position + 4)
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts[1].trimmingPrefix(" ").description
    }
    guard let status = Int(lines[0].split(separator: " ")[1]) else { throw Failure(what: "no status") }
    var body: [UInt8] = []
    if toHead || status < 200 || status == 204 || status == 304 {
      body = []
    } else if headers["transfer-encoding"] == "chunked" {
      while let chunk = try takeChunk() { body += chunk }
    } else if let length = headers["content-length"].flatMap(Int.init) {
      body = try take(length)
    }
    return Answer(status: status, headers: headers, body: body)
  }

  func takeChunk() throws -> [UInt8]? {
    var line: [UInt8] = []
    while !line.suffix(2).elementsEqual("\r\n".utf8) { line += try take(1) }
    guard let size = Int(String(decoding: line.dropLast(2), as: UTF8.self), radix: 16) else { throw Failure(what: "no chunk size") }
    let chunk = try take(size)
    guard try take(2) == [13, 10] else { throw Failure(what: "no end of chunk") }
    return size == 0 ? nil : chunk
  }

  func take(_ count: Int) throws -> [UInt8] {
    while received.count < count {
      guard receive() else { throw Failure(what: "ended with \(received.count) of \(count) bytes") }
    }
    defer { received.removeFirst(count) }
    return Array(received[..<count])
  }
}
