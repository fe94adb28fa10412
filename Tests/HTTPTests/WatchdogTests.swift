import Foundation
import HTTP
import Synchronization
import Testing

struct WatchdogTests {
  @Test("while all handlers hang, requests are refused within the bound, immediate ones are answered, and all is well afterwards")
  func aDeadlockOfAllHandlers() async throws {
    let barrier = Barrier()
    let handled = Mutex<[String]>([])
    try await withServer(
      { $0.timeouts.handlerWait = 0.2 }, immediate: { $0.path == "/now" ? .text("now") : nil },
      handler: { request in
        handled.withLock { $0.append(request.path) }
        if request.path == "/block" { barrier.block() }
        return .text(request.path)
      }
    ) { port, server, log in
      defer { barrier.open() }
      let blocked = try (0..<2).map { _ in try RawClient(port: port) }
      for client in blocked { client.send("GET /block \(host)\r\n") }
      #expect(await eventually { barrier.arrived == 2 })
      // Two requests on each connection; the second one has an immediate answer.
      let others = try (0..<8).map { _ in try RawClient(port: port) }
      for client in others { client.send("POST /other \(host)Content-Length: 3\r\n\r\nabcGET /now \(host)\r\n") }
      for client in others {
        let refused = try client.answer()
        #expect(refused.status == 503 && refused.headers["retry-after"] == "1" && refused.headers["connection"] == nil)
        #expect(refused.headers["content-type"] == "application/problem+json")
        #expect(refused.text.contains(refused.headers["x-request-id"] ?? "-"))
        #expect(try client.answer().text == "now")
      }
      #expect(await eventually { server.metrics.snapshot().durationCount == 16 })
      let figures = server.metrics.snapshot()
      #expect(figures.requestsUnattended == 8 && figures.requestsImmediate == 8)
      #expect(figures.handlerThreads == 2 && figures.handlersBusy == 2 && figures.handlersWaiting == 0)
      barrier.open()
      // Handlers that had begun are not interrupted, however long they take.
      for client in blocked { #expect(try client.answer().text == "/block") }
      for client in blocked + others {
        client.send("GET /after \(host)\r\n")
        #expect(try client.answer().text == "/after")
      }
      #expect(handled.withLock { $0.filter { $0 == "/other" } } == [])
      #expect(await eventually { server.metrics.snapshot().handlersBusy == 0 })
      #expect(await eventually { log.requests.filter { $0.fields["status"] == "503" }.count == 8 })
      #expect(server.metrics.snapshot().connectionsAccepted == 10)
    }
  }

  @Test("what waits for a thread shows in the figures, and is gone with its client")
  func waitingRequestsAreSeen() async throws {
    let barrier = Barrier()
    try await withServer(
      {
        $0.handlerThreads = 1
        $0.timeouts.halfClosed = 0.05
      },
      handler: { request in
        barrier.block()
        return .text(request.path)
      }
    ) { port, server, _ in
      defer { barrier.open() }
      let first = try RawClient(port: port)
      first.send("GET /1 \(host)\r\n")
      #expect(await eventually { barrier.arrived == 1 })
      var waiting: RawClient? = try RawClient(port: port)
      waiting?.send("GET /2 \(host)\r\n")
      #expect(await eventually { server.metrics.snapshot().handlersWaiting == 1 })
      let age = server.metrics.snapshot().handlersOldestWait
      #expect(await eventually { server.metrics.snapshot().handlersOldestWait > age })
      waiting = nil
      #expect(await eventually { server.metrics.snapshot().handlersWaiting == 0 })
      #expect(server.metrics.snapshot().handlersOldestWait == 0 && server.metrics.snapshot().requestsUnattended == 0)
      barrier.open()
      #expect(try first.answer().text == "/1")
      #expect(barrier.arrived == 1)
    }
  }

  @Test("a request is either handled or refused, never both and never neither")
  func handledOrRefused() async throws {
    let handled = Mutex(0)
    try await withServer(
      {
        $0.handlerThreads = 1
        $0.timeouts.handlerWait = 0.02
      },
      handler: { request in
        handled.withLock { $0 += 1 }
        // Long enough that other requests time out. The expectations hold for any number of them.
        usleep(2000)
        return .text("handled")
      }
    ) { port, server, _ in
      let clients = try (0..<32).map { _ in try RawClient(port: port) }
      var statuses: [Int: Int] = [:]
      for _ in 0..<8 {
        for client in clients { client.send("GET / \(host)\r\n") }
        for client in clients { statuses[try client.answer().status, default: 0] += 1 }
      }
      #expect(statuses.keys.allSatisfy { $0 == 200 || $0 == 503 })
      #expect(statuses.values.reduce(0, +) == 256)
      #expect(handled.withLock { $0 } == statuses[200, default: 0])
      #expect(await eventually { server.metrics.snapshot().durationCount == 256 })
      #expect(server.metrics.snapshot().requestsUnattended == statuses[503, default: 0])
    }
  }

  @Test("a log that takes nothing holds up no answer, and the lines that it missed are counted")
  func aLogThatHangs() async throws {
    try await withServer(immediate: { .text($0.path) }, handler: { _ in Response() }) { port, _, log in
      log.hold()
      let client = try RawClient(port: port)
      let requests = Array((0..<20_000).map { "GET /\($0) \(host)\r\n" }.joined().utf8)
      let sender = Thread { client.send(requests) }
      sender.start()
      for number in 0..<20_000 {
        guard try client.answer().text == "/\(number)" else {
          Issue.record("the answer to request \(number) is another's")
          break
        }
      }
      log.release()
      #expect(
        await eventually {
          let dropped = log.lines.compactMap { $0.fields["count"].flatMap(Int.init) }.reduce(0, +)
          return dropped > 0 && dropped + log.requests.count == 20_000
        })
    }
  }
}
