import Files
import Foundation
import HTTP
import Testing

struct FileBodyTests {
  @Test("a part is of the same open file, and lies within it")
  func partsShareTheFile() throws {
    let file = try TemporaryFile(count: 100)
    let body = try file.open()
    let part = body.part(90..<200)
    #expect(body.range == 0..<100 && part.range == 90..<100 && part.size == 100)
    #expect(part.file === body.file)
    #expect(FileBody(body.file, range: 5..<7).range == 5..<7)
  }

  @Test("a file that loses its name while it is sent is sent whole")
  func aRemovedFileIsSent() async throws {
    let file = try TemporaryFile(count: 4_000_000)
    try await withServer(handler: { try .file(try file.open(), type: "x/y", etag: nil, for: $0) }) { port, _, _ in
      let client = try RawClient(port: port, receiveBuffer: 4096)
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      try client.receive(until: "\r\n\r\n")
      try FileManager.default.removeItem(atPath: file.path)
      #expect(try client.answer().body == file.bytes)
    }
  }

  @Test("a file that shrinks while it is sent is not taken for whole")
  func aShrunkFileIsCutOff() async throws {
    let file = try TemporaryFile(count: 40_000_000)
    try await withServer(handler: { try .file(try file.open(), type: "x/y", etag: nil, for: $0) }) { port, _, log in
      let client = try RawClient(port: port, receiveBuffer: 4096)
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      try client.receive(until: "\r\n\r\n")
      #expect(truncate(file.path, 1_000_000) == 0)
      let text = client.receiveAll()
      #expect(client.ended && text.utf8.count < 40_000_000)
      #expect(await eventually { log.lines.contains { $0.message == "answer broke off" } })
    }
  }

  @Test("a file that cannot be read when it is due is answered with a sentence about the disk, and the connection goes on")
  func unreadableFile() async throws {
    let file = try TemporaryFile(count: 1000)
    try await withServer(handler: { request in
      guard request.path == "/file" else { return .text("next") }
      let response = try Response.file(try file.open(), type: "x/y", etag: nil, for: request)
      #expect(truncate(file.path, 0) == 0)
      return response
    }) { port, server, log in
      let client = try RawClient(port: port)
      client.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
      let answer = try client.answer()
      #expect(answer.status == 500 && answer.headers["content-type"] == "application/problem+json")
      #expect(answer.text.contains("The file cannot be read from the server's disk."))
      #expect(try client.answer().text == "next")
      let line = try #require(log.lines.first { $0.message == "file cannot be read" })
      #expect(line.fields["request_id"] == answer.headers["x-request-id"] && line.fields["error"]?.contains("shorter") == true)
      #expect(await eventually { server.metrics.snapshot().requestsByClass == [5: 1, 2: 1] })
    }
  }
}
