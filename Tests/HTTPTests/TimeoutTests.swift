import HTTP
import Synchronization
import Testing

struct TimeoutTests {
  @Test("a client that is too slow with its header, its body or its next request is timed out") func aSlowClientIsTimedOut() async throws {
    try await withServer(
      {
        $0.timeouts.header = 0.1
        $0.timeouts.body = 0.1
        $0.timeouts.idle = 0.3
      }, handler: echo
    ) { port, _, _ in
      let header = try RawClient(port: port)
      header.send("GET / HTTP/1.1\r\n")
      let body = try RawClient(port: port)
      body.send("POST / \(host)Content-Length: 10\r\n\r\nabc")
      let idle = try RawClient(port: port)
      let late = try header.answer()
      #expect(late.status == 408 && late.headers["connection"] == "close")
      let stalled = try body.answer()
      #expect(stalled.status == 408 && stalled.headers["connection"] == "close")
      // There was no request, so there is no answer.
      #expect(idle.receiveAll() == "" && !idle.wasReset)
      // Single bytes that arrive in time do not extend the time for the header.
      let drop = try RawClient(port: port)
      let head = Array("GET / HTTP/1.1\r\nHost: a\r\n".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 1000)
      var sent = 0
      while sent < head.count, !drop.receive(within: 20) {
        drop.send([head[sent]])
        sent += 1
      }
      #expect(sent < head.count)
      #expect(try drop.answer().status == 408)
    }
  }

  @Test("a client that reads nothing of its answer is cut off") func aClientThatTakesNothingIsCutOff() async throws {
    let ended = Mutex<String?>(nil)
    try await withServer(
      { $0.timeouts.write = 0.2 },
      handler: { _ in
        Response(
          body: .stream { writer in
            do { while true { try await writer.write([UInt8](repeating: 0, count: 64 * 1024)) } } catch {
              ended.withLock { $0 = "\(type(of: error))" }
              throw error
            }
          })
      }
    ) { port, server, log in
      let client = try RawClient(port: port, receiveBuffer: 4096)
      client.send("GET / \(host)\r\n")
      #expect(await eventually { ended.withLock { $0 } == "ClientGone" })
      #expect(await eventually { server.metrics.snapshot().connectionsOpen == 0 })
      #expect(await eventually { log.requests.first?.fields["aborted"] == "true" })
    }
  }
}
