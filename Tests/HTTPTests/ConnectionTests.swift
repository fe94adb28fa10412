import HTTP
import Testing

struct ConnectionTests {
  @Test("a connection serves many requests, one after the other") func aConnectionServesManyRequests() async throws {
    try await withServer(handler: echo) { port, server, _ in
      let client = try RawClient(port: port)
      for number in 0..<3 {
        client.send("POST /\(number) \(host)Content-Length: 3\r\n\r\nabc")
        let answer = try client.answer()
        #expect(answer.text == "POST /\(number) abc")
        #expect(answer.headers["connection"] == nil)
      }
      client.send("GET / \(host)Connection: close\r\n\r\n")
      #expect(try client.answer().headers["connection"] == "close")
      #expect(!client.receive() && client.ended && !client.wasReset)
      #expect(await eventually { server.metrics.snapshot().connectionsOpen == 0 })
      #expect(server.metrics.snapshot().connectionsAccepted == 1)
      #expect(server.metrics.snapshot().requestsByClass == [2: 4])
    }
  }

  @Test("pipelined requests are answered in their order, though the first takes longest") func pipelinedRequestsAreAnsweredInOrder()
    async throws
  {
    let latch = Latch()
    try await withServer(handler: { request in
      if request.path == "/0" { try await latch.wait() }
      return try await echo(request)
    }) { port, _, _ in
      let client = try RawClient(port: port)
      let requests = (0..<50).map { "POST /\($0) \(host)Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n" }
      client.send(requests.joined())
      latch.open()
      for number in 0..<50 { #expect(try client.answer().text == "POST /\(number) ab") }
    }
  }

  @Test("pipelined requests beyond the limit wait in the socket") func pipelinedRequestsWaitOutsideWhenTheyAreMany() async throws {
    try await withServer({ $0.limits.maxPipelinedBytes = 1000 }, handler: echo) { port, _, _ in
      let client = try RawClient(port: port)
      let filler = String(repeating: "x", count: 500)
      client.send((0..<200).map { "GET /\($0) \(host)X: \(filler)\r\n\r\n" }.joined())
      for number in 0..<200 { #expect(try client.answer().text == "GET /\(number) ") }
    }
  }

  @Test("a client of HTTP/1.0 gets no chunks, and keeps its connection only if it asks") func anOlderClientIsSpokenToInItsWay() async throws
  {
    let router = Router([
      .init(.get, "/") { _, _ in .text("hi") },
      .init(.get, "/stream") { _, _ in
        Response(
          body: .stream {
            try await $0.write("a")
            try await $0.write("b")
          })
      },
    ])
    try await withServer(handler: { try await router($0) }) { port, _, _ in
      let plain = try RawClient(port: port)
      plain.send("GET / HTTP/1.0\r\n\r\n")
      let text = plain.receiveAll()
      #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n") && text.contains("Connection: close\r\n") && text.hasSuffix("\r\n\r\nhi"))
      let keeping = try RawClient(port: port)
      keeping.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      #expect(try keeping.answer().headers["connection"] == "keep-alive")
      keeping.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      let stream = keeping.receiveAll()
      #expect(!stream.contains("chunked") && stream.hasSuffix("\r\n\r\nab"))
    }
  }

  @Test("a client that closed its sending side still gets its answers") func aClientThatOnlyEndedItsSideGetsItsAnswer() async throws {
    let latch = Latch()
    try await withServer(
      { $0.timeouts.halfClosed = 10 },
      handler: { request in
        try await latch.wait()
        return try await echo(request)
      }
    ) { port, _, _ in
      let client = try RawClient(port: port)
      client.send("GET /1 \(host)\r\nGET /2 \(host)\r\n")
      client.endOutput()
      #expect(await eventually { latch.waiting == 1 })
      latch.open()
      #expect(try client.answer().text == "GET /1 ")
      #expect(try client.answer().text == "GET /2 ")
      #expect(client.receiveAll().isEmpty)
      let broken = try RawClient(port: port)
      broken.send("GET / HTTP/1.1\r\nHo")
      broken.endOutput()
      #expect(try broken.answer().status == 400)
    }
  }

  @Test("connections beyond the limit are refused with 503") func moreConnectionsThanAllowedAreTurnedAway() async throws {
    try await withServer({ $0.limits.maxConnections = 2 }, handler: echo) { port, server, _ in
      let first = try RawClient(port: port)
      first.send("GET / \(host)\r\n")
      #expect(try first.answer().status == 200)
      var second: RawClient? = try RawClient(port: port)
      second?.send("GET / \(host)\r\n")
      #expect(try second?.answer().status == 200)
      let third = try RawClient(port: port)
      third.send("GET / \(host)\r\n")
      let refused = try third.answer()
      #expect(refused.status == 503 && refused.headers["retry-after"] == "1")
      second = nil
      _ = third.receiveAll()
      third.endOutput()
      #expect(await eventually { server.metrics.snapshot().connectionsOpen == 1 })
      let fourth = try RawClient(port: port)
      fourth.send("GET / \(host)\r\n")
      #expect(try fourth.answer().status == 200)
      #expect(server.metrics.snapshot().connectionsRefused == 1)
    }
  }

  @Test("at the limit a new connection takes the place of the one that was without a request for the longest")
  func replacement() async throws {
    try await withServer(
      {
        $0.limits.maxConnections = 2
        $0.socketQueues = 1
        $0.timeouts.replaceable = 0
      }, handler: echo
    ) { port, server, _ in
      let clients = try (0..<2).map { _ in try RawClient(port: port) }
      for client in clients {
        client.send("GET / \(host)\r\n")
        #expect(try client.answer().status == 200)
      }
      let third = try RawClient(port: port)
      third.send("GET / \(host)\r\n")
      #expect(try third.answer().status == 200)
      #expect(clients[0].receiveAll().isEmpty)
      clients[1].send("GET / \(host)\r\n")
      #expect(try clients[1].answer().status == 200)
      #expect(server.metrics.snapshot().connectionsRefused == 0)
    }
  }

  @Test("a port that is in use is named in the error") func aTakenPortIsNamed() async throws {
    try await withServer(handler: echo) { port, _, log in
      let second = Server(configuration: ServerConfiguration(port: port), logger: log.logger, handler: echo)
      var text = ""
      do { _ = try second.start() } catch { text = "\(error)" }
      #expect(text.contains("127.0.0.1:\(port) is already in use"))
      await second.drain(within: 0)
    }
  }
}
