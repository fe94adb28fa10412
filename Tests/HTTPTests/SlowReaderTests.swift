import Foundation
import Glibc
import HTTP
import Testing

/// Clients that take a file slowly, or not at all.
@Suite("Slow readers") struct SlowReaderTests {
  @Test("clients that do not read their files hold no handler and no memory, and all get them whole in the end")
  func slowReadersHoldNothing() async throws {
    let file = try TemporaryFile(count: 4_000_000)
    let router = Router([
      .init(.get, "/file") { request, _ in try .file(file.open(), type: "x/y", etag: nil, for: request) },
      .init(.get, "/") { _, _ in .text("here") },
    ])
    try await withServer({ $0.handlerThreads = 1 }, handler: { try await router($0) }) { port, server, _ in
      let before = Self.anonymousBytes
      let readers = try (0..<100).map { _ in try RawClient(port: port, receiveBuffer: 4096) }
      for reader in readers { reader.send("GET /file \(host)\r\n") }
      for reader in readers { try reader.receive(until: "\r\n\r\n") }
      #expect(await eventually { server.metrics.snapshot().handlersBusy == 0 })
      let other = try RawClient(port: port)
      other.send("GET / \(host)\r\n")
      #expect(try other.answer().text == "here")
      // A hundred buffers of 64 KiB would be 6.4 MB.
      #expect(Self.anonymousBytes - before < 4_000_000)
      for reader in readers.prefix(10) { #expect(try reader.answer().body == file.bytes) }
    }
  }

  @Test("a range of a file is sent to its last byte, and the next request is answered behind it")
  func aRangeEnds() async throws {
    let file = try TemporaryFile(count: 3_000_000)
    try await withServer(handler: { try .file(try file.open(), type: "x/y", etag: nil, for: $0) }) { port, _, _ in
      let client = try RawClient(port: port)
      for range in [0..<3_000_000, 5..<1_000_001, 2_999_999..<3_000_000, 16_384..<32_768, 0..<16_384, 0..<16_385] {
        client.send("GET / \(host)Range: bytes=\(range.lowerBound)-\(range.upperBound - 1)\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.status == 206 && answer.body == Array(file.bytes[range]), "\(range)")
      }
    }
  }

  /// Memory of this process that no file backs.
  private static var anonymousBytes: Int {
    let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8))?.split(separator: "\n") ?? []
    let words = lines.first { $0.hasPrefix("RssAnon:") }?.split(separator: " ")
    return (words.flatMap { Int($0[1]) } ?? 0) * 1024
  }
}
