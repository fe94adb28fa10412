import Foundation
import HTTP
import Synchronization
import Testing

private let host = "HTTP/1.1\r\nHost: a\r\n"

/// Tells what it was asked, and takes the body.
@Sendable private func echo(_ request: Request) async throws -> Response {
  .text("\(request.method.rawValue) \(request.path) " + String(decoding: try await request.body.collect(), as: UTF8.self))
}

struct ServerTests {
  @Test func aConnectionServesManyRequests() async throws {
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

  @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
    try await withServer(handler: { request in
      // The earlier ones take longer.
      try await Task.sleep(for: .milliseconds(request.path == "/0" ? 50 : 0))
      return try await echo(request)
    }) { port, _, _ in
      let client = try RawClient(port: port)
      let requests = (0..<50).map { "POST /\($0) \(host)Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n" }
      client.send(requests.joined())
      for number in 0..<50 { #expect(try client.answer().text == "POST /\(number) ab") }
    }
  }

  @Test func pipelinedRequestsWaitOutsideWhenTheyAreMany() async throws {
    try await withServer({ $0.limits.maxPipelinedBytes = 1000 }, handler: echo) { port, _, _ in
      let client = try RawClient(port: port)
      let filler = String(repeating: "x", count: 500)
      client.send((0..<200).map { "GET /\($0) \(host)X: \(filler)\r\n\r\n" }.joined())
      for number in 0..<200 { #expect(try client.answer().text == "GET /\(number) ") }
    }
  }

  @Test func everyAnswerHasItsDateAndRequestID() async throws {
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

  @Test func anErrorOfTheHandlerSaysNothingOfWhatIsInside() async throws {
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

  @Test func aRequestThatIsNoneIsAnsweredAndTheAnswerArrives() async throws {
    try await withServer(handler: echo) { port, server, log in
      let client = try RawClient(port: port)
      // Much unread input would turn a plain close into a reset.
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

  @Test func headAnswersAsGetWithoutTheBody() async throws {
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

  @Test func anOlderClientIsSpokenToInItsWay() async throws {
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

  @Test func aClientThatOnlyEndedItsSideGetsItsAnswer() async throws {
    try await withServer(
      { $0.timeouts.halfClosed = 10 },
      handler: { request in
        try await Task.sleep(for: .milliseconds(50))
        return try await echo(request)
      }
    ) { port, _, _ in
      let client = try RawClient(port: port)
      client.send("GET /1 \(host)\r\nGET /2 \(host)\r\n")
      client.endOutput()
      #expect(try client.answer().text == "GET /1 ")
      #expect(try client.answer().text == "GET /2 ")
      #expect(client.receiveAll().isEmpty)
      let broken = try RawClient(port: port)
      broken.send("GET / HTTP/1.1\r\nHo")
      broken.endOutput()
      #expect(try broken.answer().status == 400)
    }
  }

  // MARK: Bodies

  @Test func aLargeBodyIsHeldBackUntilItIsRead() async throws {
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

  @Test func aBodyThatNobodyReadsStopsTheSocket() async throws {
    let release = Mutex(false)
    try await withServer(
      { $0.limits.bodyBuffer = 64 * 1024 },
      handler: { request in
        request.body.limit(to: .max)
        _ = try await request.body.next()
        while !release.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
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
      try await Task.sleep(for: .milliseconds(100))
      #expect(server.metrics.snapshot().bytesReceived < 1_000_000)
      release.withLock { $0 = true }
      #expect(await eventually { server.metrics.snapshot().bytesReceived > 30_000_000 })
      #expect(await eventually { sender.isFinished })
      #expect(try client.answer().text == "true")
    }
  }

  @Test func aClientIsToldToGoOnWhenItsBodyIsWanted() async throws {
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

  @Test func aBodyOverTheLimitIsRefused() async throws {
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

  @Test func aSmallBodyThatNobodyTookIsPassedOver() async throws {
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

  @Test func aBodyThatBreaksOffIsAnError() async throws {
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

  // MARK: Time

  @Test func aSlowClientIsTimedOut() async throws {
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
      // Nothing was asked, so nothing is answered.
      #expect(idle.receiveAll() == "" && !idle.wasReset)
      // Each byte in time does not make the header in time.
      let drop = try RawClient(port: port)
      let begun = ContinuousClock.now
      for byte in "GET / HTTP/1.1\r\nHost: a\r\nX: " where !drop.receive(within: 20) { drop.send("\(byte)") }
      #expect(try drop.answer().status == 408)
      #expect(ContinuousClock.now - begun < .seconds(2))
    }
  }

  @Test func aClientThatTakesNothingIsCutOff() async throws {
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

  // MARK: Streams

  @Test func aStreamWaitsForItsClient() async throws {
    let written = Mutex(0)
    try await withServer(handler: { _ in
      Response(
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
      try await Task.sleep(for: .milliseconds(150))
      // What the system's own buffers take, and no more.
      #expect(written.withLock { $0 } < 8_000_000)
      let answer = try client.answer()
      #expect(answer.headers["transfer-encoding"] == "chunked")
      #expect(answer.body.count == 400 * 64 * 1024)
      client.send("GET / \(host)Connection: close\r\n\r\n")
      #expect(try client.answer().body.allSatisfy { $0 == 7 })
    }
  }

  @Test func aHandlerIsCancelledWhenItsClientGoes() async throws {
    let cancelled = Mutex<[String]>([])
    try await withServer(
      { $0.timeouts.halfClosed = 0.05 },
      handler: { request in
        do {
          if request.path == "/stream" {
            return .events { stream in
              try await stream.send(ServerSentEvent(event: "state", data: "running"))
              do { try await Task.sleep(for: .seconds(60)) } catch {
                cancelled.withLock { $0.append("stream") }
                throw error
              }
            }
          }
          try await Task.sleep(for: .seconds(60))
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
      poll = nil
      stream = nil
      #expect(await eventually { cancelled.withLock { $0.sorted() } == ["poll", "stream"] })
      #expect(await eventually { server.metrics.snapshot().connectionsOpen == 0 })
    }
  }

  @Test func waitingHandlersHoldNoThread() async throws {
    try await withServer(
      { $0.handlerThreads = 1 },
      handler: { request in
        if request.path == "/wait" { try await Task.sleep(for: .milliseconds(400)) }
        return .text(request.path)
      }
    ) { port, _, _ in
      let waiting = try (0..<20).map { _ in try RawClient(port: port) }
      for client in waiting { client.send("GET /wait \(host)\r\n") }
      let quick = try RawClient(port: port)
      let begun = ContinuousClock.now
      quick.send("GET /quick \(host)\r\n")
      #expect(try quick.answer().text == "/quick")
      #expect(ContinuousClock.now - begun < .milliseconds(390))
      for client in waiting { #expect(try client.answer().text == "/wait") }
    }
  }

  @Test func aStreamThatFailsIsNotTakenForWhole() async throws {
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

  // MARK: Files

  @Test func aFileIsSentWholeOrInPart() async throws {
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

  // MARK: Limits and ends

  @Test func moreConnectionsThanAllowedAreTurnedAway() async throws {
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

  @Test func aTakenPortIsNamed() async throws {
    try await withServer(handler: echo) { port, _, log in
      let second = Server(configuration: ServerConfiguration(port: port), logger: log.logger, handler: echo)
      var text = ""
      do { _ = try second.start() } catch { text = "\(error)" }
      #expect(text.contains("127.0.0.1:\(port) is already in use"))
      await second.drain(within: 0)
    }
  }

  @Test func drainingFinishesWhatIsInFlight() async throws {
    let streamEnded = Mutex(false)
    // The request in flight is answered once the drain has begun, and not by a timer: those wait for Swift's own pool, which tests block.
    let (begun, begin) = AsyncStream<Void>.makeStream()
    let isHandled = Mutex(false)
    try await withServer(handler: { request in
      if request.path == "/stream" {
        return .events { stream in
          try await stream.send(ServerSentEvent(data: "x"))
          do { try await Task.sleep(for: .seconds(60)) } catch { streamEnded.withLock { $0 = true } }
        }
      }
      isHandled.withLock { $0 = true }
      for await _ in begun { break }
      return .text("done")
    }) { port, server, _ in
      let idle = try RawClient(port: port)
      let busy = try RawClient(port: port)
      let stream = try RawClient(port: port)
      busy.send("GET / \(host)\r\n")
      stream.send("GET /stream \(host)\r\n")
      try stream.receive(until: "data: x\n\n")
      while !isHandled.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(1)) }
      async let drained: Void = server.drain(within: 60)
      while !server.isDraining { try await Task.sleep(for: .milliseconds(1)) }
      begin.yield()
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

  @Test func drainingCutsOffWhatTakesTooLong() async throws {
    let cancelled = Mutex(false)
    try await withServer(handler: { _ in
      do { try await Task.sleep(for: .seconds(60)) } catch {
        cancelled.withLock { $0 = true }
        throw error
      }
      return Response()
    }) { port, server, _ in
      let client = try RawClient(port: port)
      client.send("GET / \(host)\r\n")
      try await Task.sleep(for: .milliseconds(50))
      await server.drain(within: 0.1)
      #expect(await eventually { cancelled.withLock { $0 } })
      #expect(client.receiveAll() == "")
    }
  }
}
