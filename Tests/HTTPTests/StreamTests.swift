import HTTP
import Synchronization
import Testing

struct StreamTests {
  @Test("a stream waits for its slow client") func aStreamWaitsForItsClient() async throws {
    let written = Mutex(0)
    try await withServer(handler: { request in
      if request.path == "/turn" { return Response() }
      return Response(
        body: .stream { writer in
          for _ in 0..<400 {
            try await writer.write([UInt8](repeating: 7, count: 64 * 1024))
            written.withLock { $0 += 64 * 1024 }
          }
        })
    }) { port, _, _ in
      let client = try RawClient(port: port, receiveBuffer: 4096)
      client.send("GET / \(host)\r\n")
      #expect(await eventually { written.withLock { $0 } > 0 })
      try takeTurns(port)
      // The system's own buffers take this much at most.
      #expect(written.withLock { $0 } < 8_000_000)
      let answer = try client.answer()
      #expect(answer.headers["transfer-encoding"] == "chunked")
      #expect(answer.body.count == 400 * 64 * 1024)
      client.send("GET / \(host)Connection: close\r\n\r\n")
      #expect(try client.answer().body.allSatisfy { $0 == 7 })
    }
  }

  @Test("a stream that fails ends without its last chunk") func aStreamThatFailsIsNotTakenForWhole() async throws {
    struct Fault: Error {}
    try await withServer(handler: { _ in
      Response(
        body: .stream { writer in
          try await writer.write("half")
          throw Fault()
        })
    }) { port, _, log in
      let client = try RawClient(port: port)
      client.send("GET / \(host)\r\n")
      let text = client.receiveAll()
      #expect(text.hasSuffix("4\r\nhalf\r\n"))
      #expect(log.lines.contains { $0.message == "answer broke off" })
    }
  }

  @Test("a handler is cancelled when its client goes") func aHandlerIsCancelledWhenItsClientGoes() async throws {
    let cancelled = Mutex<[String]>([])
    let latch = Latch()
    try await withServer(
      { $0.timeouts.halfClosed = 0.05 },
      handler: { request in
        do {
          if request.path == "/stream" {
            return .events { stream in
              try await stream.send(ServerSentEvent(event: "state", data: "running"))
              do { try await latch.wait() } catch {
                cancelled.withLock { $0.append("stream") }
                throw error
              }
            }
          }
          try await latch.wait()
        } catch {
          cancelled.withLock { $0.append("poll") }
          throw error
        }
        return Response()
      }
    ) { port, server, _ in
      var poll: RawClient? = try RawClient(port: port)
      var stream: RawClient? = try RawClient(port: port)
      poll?.send("GET /poll \(host)\r\n")
      stream?.send("GET /stream \(host)\r\n")
      try stream?.receive(until: "data: running\n\n")
      #expect(await eventually { latch.waiting == 2 })
      poll = nil
      stream = nil
      #expect(await eventually { cancelled.withLock { $0.sorted() } == ["poll", "stream"] })
      #expect(await eventually { server.metrics.snapshot().connectionsOpen == 0 })
    }
  }

  @Test("suspended handlers hold no thread") func waitingHandlersHoldNoThread() async throws {
    let latch = Latch()
    try await withServer(
      { $0.handlerThreads = 1 },
      handler: { request in
        if request.path == "/wait" { try await latch.wait() }
        return .text(request.path)
      }
    ) { port, _, _ in
      let waiting = try (0..<20).map { _ in try RawClient(port: port) }
      for client in waiting { client.send("GET /wait \(host)\r\n") }
      #expect(await eventually { latch.waiting == 20 })
      let quick = try RawClient(port: port)
      quick.send("GET /quick \(host)\r\n")
      #expect(try quick.answer().text == "/quick")
      latch.open()
      for client in waiting { #expect(try client.answer().text == "/wait") }
    }
  }
}
