import Foundation
import Glibc
import HTTP
import Synchronization
import Testing

struct ImmediateTests {
  /// Records the depth of the stack at each call, by thread.
  private final class StackDepth: Sendable {
    private let ranges = Mutex<[pthread_t: ClosedRange<UInt>]>([:])

    func note() {
      var here: UInt8 = 0
      let place = withUnsafeMutablePointer(to: &here) { UInt(bitPattern: $0) }
      ranges.withLock {
        let known = $0[pthread_self()] ?? place...place
        $0[pthread_self()] = min(known.lowerBound, place)...max(known.upperBound, place)
      }
    }

    var spread: UInt { ranges.withLock { $0.values.map { $0.upperBound - $0.lowerBound }.max() ?? 0 } }
  }

  @Test("an answer that needs no waiting is as any other answer")
  func anImmediateAnswerIsAsAnyOther() async throws {
    let router = Router([
      .init(.get, "/now", immediate: { _, _ in .text("hello") }) { _, _ in .text("handler") },
      .init(.get, "/none", immediate: { _, _ in Response(status: .notModified) }) { _, _ in .text("handler") },
      .init(.get, "/large", immediate: { _, _ in .bytes([UInt8](repeating: 7, count: 3_000_000), type: "x/y") }) { _, _ in Response() },
      .init(.get, "/wrong", immediate: { .problem(HTTPError.notFound("No such \($1["id"] ?? "job")."), requestID: $0.requestID) }) { _, _ in
        Response()
      },
    ])
    try await withServer(immediate: { router.immediate($0) }, handler: { try await router($0) }) { port, server, log in
      let client = try RawClient(port: port)
      client.send("GET /now \(host)X-Request-Id: mine\r\n\r\nHEAD /now \(host)\r\nGET /none \(host)\r\n")
      let first = try client.answer()
      #expect(first.text == "hello" && first.headers["x-request-id"] == "mine" && first.headers["date"] != nil)
      let head = try client.answer(toHead: true)
      #expect(head.status == 200 && head.headers["content-length"] == "5")
      let unchanged = try client.answer()
      #expect(unchanged.status == 304 && unchanged.headers["content-length"] == nil)
      client.send("GET /large \(host)\r\nGET /wrong \(host)\r\n")
      #expect(try client.answer().body.count == 3_000_000)
      let wrong = try client.answer()
      #expect(wrong.status == 404 && wrong.headers["content-type"] == "application/problem+json")
      #expect(wrong.text.contains(wrong.headers["x-request-id"] ?? "-"))
      client.send("GET /now \(host)Connection: close\r\n\r\n")
      #expect(try client.answer().headers["connection"] == "close")
      #expect(!client.receive() && client.ended && !client.wasReset)
      #expect(await eventually { log.requests.count == 6 && server.metrics.snapshot().durationCount == 6 })
      #expect(log.requests.first?.fields["request_id"] == "mine" && log.requests.first?.fields["path"] == "/now")
      let figures = server.metrics.snapshot()
      #expect(figures.requestsImmediate == 6 && figures.requestsByClass == [2: 4, 3: 1, 4: 1])
    }
  }

  @Test("what cannot be answered at once goes to its handler: nil, a stream, a request with a body")
  func theRestGoesToTheHandler() async throws {
    let asked = Mutex<[String]>([])
    try await withServer(
      immediate: { request in
        asked.withLock { $0.append(request.path) }
        return request.path == "/stream" ? Response(body: .stream { try await $0.write("immediate") }) : nil
      }, handler: { .text("handler \(String(decoding: try await $0.body.collect(), as: UTF8.self))") }
    ) { port, server, _ in
      let client = try RawClient(port: port)
      client.send("GET /nil \(host)\r\nGET /stream \(host)\r\nPOST /empty \(host)Content-Length: 0\r\n\r\n")
      client.send("POST /body \(host)Content-Length: 3\r\n\r\nabcPOST /chunks \(host)Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
      for body in ["", "", "", "abc", ""] { #expect(try client.answer().text == "handler \(body)") }
      #expect(asked.withLock { $0 } == ["/nil", "/stream", "/empty"])
      #expect(server.metrics.snapshot().requestsImmediate == 0)
    }
  }

  @Test("ten thousand requests in one breath are answered in their order, and the stack does not grow with them")
  func manyPipelinedRequests() async throws {
    let depth = StackDepth()
    try await withServer(
      { $0.limits.maxPipelinedBytes = 1_000_000 },
      immediate: { request in
        depth.note()
        return request.path == "/handler" ? nil : .text(request.path)
      }, handler: { .text("by the handler of \($0.path)") }
    ) { port, _, _ in
      let client = try RawClient(port: port)
      // Every hundredth request needs a handler, and the ones behind it wait.
      let paths = (0..<10_000).map { $0 % 100 == 99 ? "/handler" : "/\($0)" }
      let requests = Array(paths.map { "GET \($0) \(host)\r\n" }.joined().utf8)
      let sender = Thread { client.send(requests) }
      sender.start()
      for path in paths {
        let text = try client.answer().text
        guard text == (path == "/handler" ? "by the handler of /handler" : path) else {
          Issue.record("\(text) in place of the answer to \(path)")
          break
        }
      }
      #expect(depth.spread < 32 * 1024)
    }
  }

  @Test("requests that come in one breath and are all answered at once need no more stack than one")
  func pipelinedRequestsWithoutHandler() async throws {
    let depth = StackDepth()
    try await withServer(
      immediate: { request in
        depth.note()
        return .text(request.path)
      }, handler: { _ in Response() }
    ) { port, _, _ in
      let client = try RawClient(port: port)
      let requests = Array((0..<10_000).map { "GET /\($0) \(host)\r\n" }.joined().utf8)
      let sender = Thread { client.send(requests) }
      sender.start()
      for number in 0..<10_000 {
        guard try client.answer().text == "/\(number)" else {
          Issue.record("the answer to request \(number) is another's")
          break
        }
      }
      #expect(depth.spread < 32 * 1024)
    }
  }
}
