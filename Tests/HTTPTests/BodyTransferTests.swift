import Foundation
import HTTP
import Synchronization
import Testing

struct BodyTransferTests {
  @Test("a large body reaches its handler in pieces no larger than the buffer") func aLargeBodyIsHeldBackUntilItIsRead() async throws {
    let chunks = Mutex(0)
    try await withServer(
      { $0.limits.bodyBuffer = 64 * 1024 },
      handler: { request in
        request.body.limit(to: 20_000_000)
        var sum = 0
        var count = 0
        for try await chunk in request.body {
          count += chunk.count
          sum = chunk.reduce(sum) { $0 &+ Int($1) }
          chunks.withLock { $0 = max($0, chunk.count) }
        }
        return .text("\(count) \(sum)")
      }
    ) { port, _, _ in
      let client = try RawClient(port: port)
      let piece = [UInt8](repeating: 3, count: 100_000)
      client.send("POST / \(host)Content-Length: 10000000\r\n\r\n")
      for _ in 0..<100 { client.send(piece) }
      #expect(try client.answer().text == "10000000 30000000")
      client.send("POST / \(host)Transfer-Encoding: chunked\r\n\r\n")
      for _ in 0..<20 {
        client.send("186a0;x=y\r\n")
        client.send(piece)
        client.send("\r\n")
      }
      client.send("0\r\nX-Sum: 1\r\n\r\n")
      #expect(try client.answer().text == "2000000 6000000")
      #expect(chunks.withLock { $0 } <= 64 * 1024)
    }
  }

  @Test("a body that its handler does not read stops the socket") func aBodyThatNobodyReadsStopsTheSocket() async throws {
    let latch = Latch()
    try await withServer(
      { $0.limits.bodyBuffer = 64 * 1024 },
      handler: { request in
        if request.path == "/turn" { return Response() }
        request.body.limit(to: .max)
        _ = try await request.body.next()
        try await latch.wait()
        var count = 0
        for try await chunk in request.body { count += chunk.count }
        return .text("\(count > 0)")
      }
    ) { port, server, _ in
      let client = try RawClient(port: port)
      let sender = Thread {
        client.send("POST / \(host)Content-Length: 30000000\r\n\r\n")
        client.send([UInt8](repeating: 1, count: 30_000_000))
      }
      sender.start()
      #expect(await eventually { server.metrics.snapshot().bytesReceived > 64 * 1024 })
      #expect(await eventually { latch.waiting == 1 })
      try takeTurns(port)
      #expect(server.metrics.snapshot().bytesReceived < 1_000_000)
      latch.open()
      #expect(await eventually { server.metrics.snapshot().bytesReceived > 30_000_000 })
      #expect(await eventually { sender.isFinished })
      #expect(try client.answer().text == "true")
    }
  }

  @Test("100 Continue is sent when the handler reads the body, and not before a refusal") func aClientIsToldToGoOnWhenItsBodyIsWanted()
    async throws
  {
    try await withServer(handler: { request in
      if request.path == "/no" { throw HTTPError(.unprocessableContent, detail: "no") }
      request.body.limit(to: 10)
      return try await echo(request)
    }) { port, _, _ in
      let client = try RawClient(port: port)
      client.send("POST /yes \(host)Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
      #expect(try client.answer().status == 100)
      client.send("abc")
      #expect(try client.answer().text == "POST /yes abc")
      client.send("POST /yes \(host)Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")
      let hasty = try client.answer()
      #expect(try (hasty.status == 100 ? client.answer() : hasty).text == "POST /yes abc")
      client.send("POST /yes \(host)Expect: 100-continue\r\nContent-Length: 11\r\n\r\n")
      let large = try client.answer()
      #expect(large.status == 413 && large.headers["connection"] == "close")
      let other = try RawClient(port: port)
      other.send("POST /no \(host)Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
      let refused = try other.answer()
      #expect(refused.status == 422 && refused.headers["connection"] == "close")
    }
  }

  @Test("a body over the limit is refused with 413") func aBodyOverTheLimitIsRefused() async throws {
    try await withServer({ $0.limits.maxBodyBytes = 1000 }, handler: echo) { port, _, _ in
      let client = try RawClient(port: port)
      client.send("POST / \(host)Content-Length: 5000000\r\n\r\n")
      let answer = try client.answer()
      #expect(answer.status == 413 && answer.headers["connection"] == "close")
      let chunked = try RawClient(port: port)
      chunked.send("POST / \(host)Transfer-Encoding: chunked\r\n\r\n400\r\n" + String(repeating: "x", count: 1024) + "\r\n")
      #expect(try chunked.answer().status == 413)
    }
  }

  @Test("a small body that the handler did not read is skipped, a large one closes the connection")
  func aSmallBodyThatNobodyTookIsPassedOver() async throws {
    try await withServer(handler: { request in .text(request.path) }) { port, _, _ in
      let client = try RawClient(port: port)
      client.send("POST /1 \(host)Content-Length: 5000\r\n\r\n")
      #expect(try client.answer().text == "/1")
      client.send(String(repeating: "x", count: 5000) + "GET /2 \(host)\r\n")
      #expect(try client.answer().text == "/2")
      client.send("POST /3 \(host)Content-Length: 50000000\r\n\r\n")
      let large = try client.answer()
      #expect(large.headers["connection"] == "close")
      #expect(!client.receive() && client.ended && !client.wasReset)
    }
  }

  @Test("a body that breaks off or has a wrong chunk is an error for handler and client") func aBodyThatBreaksOffIsAnError() async throws {
    let failures = Mutex<[Int]>([])
    try await withServer(handler: { request in
      do { return try await echo(request) } catch {
        failures.withLock { $0.append((error as? HTTPError)?.status.code ?? 0) }
        throw error
      }
    }) { port, _, _ in
      let short = try RawClient(port: port)
      short.send("POST / \(host)Content-Length: 10\r\n\r\nabc")
      short.endOutput()
      #expect(try short.answer().status == 400)
      let chunk = try RawClient(port: port)
      chunk.send("POST / \(host)Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n")
      let answer = try chunk.answer()
      #expect(answer.status == 400 && answer.headers["connection"] == "close")
      #expect(failures.withLock { $0 } == [400, 400])
    }
  }
}
