import Foundation
import HTTP
import Testing

struct AnswerTests {
  @Test("every answer has its date and request id, and its line in the log") func everyAnswerHasItsDateAndRequestID() async throws {
    try await withServer({ $0.serverName = "temper" }, handler: echo) { port, _, log in
      let client = try RawClient(port: port)
      client.send("GET /a \(host)X-Request-Id: mine-1\r\n\r\n")
      let kept = try client.answer()
      #expect(kept.headers["x-request-id"] == "mine-1")
      #expect(kept.headers["server"] == "temper")
      #expect(kept.headers["date"]?.hasSuffix(" GMT") == true)
      client.send("GET /b \(host)X-Request-Id: not sane\r\n\r\n")
      let new = try client.answer()
      #expect(new.headers["x-request-id"]?.hasPrefix("req_") == true)
      #expect(await eventually { log.requests.count == 2 })
      let line = log.requests[1].fields
      #expect(line["request_id"] == new.headers["x-request-id"])
      #expect(line["method"] == "GET" && line["path"] == "/b" && line["status"] == "200")
      #expect(line["remote"]?.hasPrefix("127.0.0.1:") == true)
      #expect(Double(line["duration_ms"] ?? "") != nil)
      #expect((Int(line["bytes"] ?? "") ?? 0) > new.body.count)
    }
  }

  @Test("an unknown error of a handler is a 500 that reveals nothing, a known one is answered as it is")
  func anErrorOfTheHandlerSaysNothingOfWhatIsInside() async throws {
    struct Secret: Error {}
    try await withServer(handler: { request in
      guard request.path == "/known" else { throw Secret() }
      throw HTTPError(.conflict, detail: "already cancelled", members: ["state": "cancelled"])
    }) { port, _, log in
      let client = try RawClient(port: port)
      client.send("GET / \(host)\r\nGET /known \(host)\r\n")
      let hidden = try client.answer()
      #expect(hidden.status == 500 && !hidden.text.contains("Secret"))
      #expect(hidden.headers["content-type"] == "application/problem+json")
      #expect(log.lines.contains { $0.message == "handler failed" && $0.fields["error"]?.contains("Secret") == true })
      let known = try client.answer()
      let document = try #require(try JSONSerialization.jsonObject(with: Data(known.body)) as? [String: Any])
      #expect(known.status == 409 && document["state"] as? String == "cancelled")
      #expect(document["request_id"] as? String == known.headers["x-request-id"])
    }
  }

  @Test("bytes that are no request are answered with 400, and the answer is not lost to a reset")
  func aRequestThatIsNoneIsAnsweredAndTheAnswerArrives() async throws {
    try await withServer(handler: echo) { port, server, log in
      let client = try RawClient(port: port)
      // With much unread input, a plain close would become a reset.
      client.send("GET / \(host)\r\nnonsense\r\n" + String(repeating: "x", count: 200_000))
      #expect(try client.answer().status == 200)
      let answer = try client.answer()
      #expect(answer.status == 400 && answer.headers["connection"] == "close")
      #expect(answer.headers["content-type"] == "application/problem+json" && answer.headers["x-request-id"] != nil)
      #expect(!client.receive() && client.ended && !client.wasReset)
      #expect(await eventually { log.requests.count == 2 })
      #expect(server.metrics.snapshot().requestsByClass == [2: 1, 4: 1])
    }
  }

  @Test("HEAD is answered as GET without the body") func headAnswersAsGetWithoutTheBody() async throws {
    let file = try TemporaryFile(count: 1000)
    let router = Router([
      .init(.get, "/text") { _, _ in .text("hello") },
      .init(.get, "/file") { request, _ in
        try .file(try file.open(), type: "application/octet-stream", etag: EntityTag(strong: "e"), for: request)
      },
      .init(.get, "/none") { _, _ in Response(status: .noContent) }, .init(.get, "/empty") { _, _ in Response() },
      .init(.get, "/stream") { _, _ in Response(body: .stream { try await $0.write("x") }) },
    ])
    try await withServer(handler: { try await router($0) }) { port, _, _ in
      let client = try RawClient(port: port)
      for (path, length) in [("text", "5"), ("file", "1000"), ("none", nil), ("empty", "0"), ("stream", nil)] {
        client.send("HEAD /\(path) \(host)\r\n")
        #expect(try client.answer(toHead: true).headers["content-length"] == length, "\(path)")
      }
      client.send("GET /text \(host)\r\n")
      #expect(try client.answer().text == "hello")
      client.send("GET /none \(host)\r\n")
      #expect(try client.answer().headers["content-length"] == nil)
      client.send("GET /empty \(host)\r\n")
      #expect(try client.answer().headers["content-length"] == "0")
    }
  }

  @Test("a file is sent whole or in part, by ranges and entity tags") func aFileIsSentWholeOrInPart() async throws {
    let file = try TemporaryFile(count: 3_000_000)
    try await withServer(handler: { request in
      try .file(try file.open(), type: "application/octet-stream", etag: EntityTag(strong: "e1"), for: request)
    }) { port, _, _ in
      let client = try RawClient(port: port)
      client.send("GET / \(host)\r\n")
      let whole = try client.answer()
      #expect(whole.body == file.bytes && whole.headers["accept-ranges"] == "bytes" && whole.headers["etag"] == "\"e1\"")
      client.send("GET / \(host)Range: bytes=1000000-2000000\r\nIf-Range: \"e1\"\r\n\r\n")
      let part = try client.answer()
      #expect(part.status == 206 && part.headers["content-range"] == "bytes 1000000-2000000/3000000")
      #expect(part.body == Array(file.bytes[1_000_000...2_000_000]))
      client.send("GET / \(host)Range: bytes=-5\r\n\r\n")
      #expect(try client.answer().body == Array(file.bytes.suffix(5)))
      client.send("GET / \(host)Range: bytes=3000000-\r\n\r\n")
      let outside = try client.answer()
      #expect(outside.status == 416 && outside.headers["content-range"] == "bytes */3000000")
      client.send("GET / \(host)If-None-Match: \"e1\"\r\n\r\n")
      let same = try client.answer()
      #expect(same.status == 304 && same.headers["content-length"] == nil && same.headers["etag"] == "\"e1\"")
      client.send("GET / \(host)If-Match: \"e2\"\r\n\r\n")
      #expect(try client.answer().status == 412)
    }
  }
}
