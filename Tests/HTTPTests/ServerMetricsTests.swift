import HTTP
import Testing

struct ServerMetricsTests {
  @Test("every request is counted in one bucket of duration") func everyRequestFallsIntoOneBucket() async throws {
    let latch = Latch()
    try await withServer(handler: { request in
      if request.path == "/slow" { try await latch.wait() }
      if request.path == "/missing" { throw HTTPError.notFound("nothing") }
      return .text("x")
    }) { port, server, _ in
      let client = try RawClient(port: port)
      for path in ["fast", "slow", "missing"] {
        client.send("GET /\(path) \(host)\r\n")
        if path == "slow" {
          #expect(await eventually { latch.waiting == 1 })
          let begun = ContinuousClock.now
          #expect(await eventually { ContinuousClock.now - begun > .milliseconds(60) })
          latch.open()
        }
        _ = try client.answer()
      }
      #expect(await eventually { server.metrics.snapshot().durationCount == 3 })
      let snapshot = server.metrics.snapshot()
      #expect(snapshot.requestsByClass == [2: 2, 4: 1])
      #expect(snapshot.durationBuckets.reduce(0, +) == 3)
      #expect(snapshot.cumulativeBuckets.last?.count == 3 && snapshot.cumulativeBuckets.last?.bound == .infinity)
      #expect(snapshot.cumulativeBuckets.first { $0.bound == 0.05 }.map { $0.count < 3 } == true)
      #expect(snapshot.durationSum >= 0.06 && snapshot.connectionsOpen == 1 && snapshot.bytesSent > 300)
    }
  }
}
