import HTTP
import Synchronization
import Testing

struct DrainTests {
  @Test("draining finishes requests in flight, ends streams and closes idle connections") func drainingFinishesWhatIsInFlight() async throws
  {
    let streamEnded = Mutex(false)
    let (endless, inFlight) = (Latch(), Latch())
    try await withServer(handler: { request in
      if request.path == "/stream" {
        return .events { stream in
          try await stream.send(ServerSentEvent(data: "x"))
          do { try await endless.wait() } catch { streamEnded.withLock { $0 = true } }
        }
      }
      try await inFlight.wait()
      return .text("done")
    }) { port, server, _ in
      let idle = try RawClient(port: port)
      let busy = try RawClient(port: port)
      let stream = try RawClient(port: port)
      busy.send("GET / \(host)\r\n")
      stream.send("GET /stream \(host)\r\n")
      try stream.receive(until: "data: x\n\n")
      #expect(await eventually { inFlight.waiting == 1 && endless.waiting == 1 })
      async let drained: Void = server.drain(within: 60)
      #expect(await eventually { server.isDraining })
      inFlight.open()
      let answer = try busy.answer()
      #expect(answer.text == "done" && answer.headers["connection"] == "close")
      #expect(idle.receiveAll() == "")
      #expect(stream.receiveAll().hasSuffix("0\r\n\r\n"))
      busy.endOutput()
      stream.endOutput()
      await drained
      #expect(streamEnded.withLock { $0 })
      #expect((try? RawClient(port: port)) == nil)
      #expect(server.metrics.snapshot().connectionsOpen == 0)
    }
  }

  @Test("draining cancels a handler that takes too long") func drainingCutsOffWhatTakesTooLong() async throws {
    let cancelled = Mutex(false)
    let latch = Latch()
    try await withServer(handler: { _ in
      do { try await latch.wait() } catch {
        cancelled.withLock { $0 = true }
        throw error
      }
      return Response()
    }) { port, server, _ in
      let client = try RawClient(port: port)
      client.send("GET / \(host)\r\n")
      #expect(await eventually { latch.waiting == 1 })
      await server.drain(within: 0)
      #expect(await eventually { cancelled.withLock { $0 } })
      #expect(client.receiveAll() == "")
    }
  }
}
