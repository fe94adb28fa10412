import Foundation
import HTTP
import Synchronization
import Testing

/// The client, against a server of this module.
@Suite("The client", .serialized) struct WebTransferTests {
  /// What came of a request.
  private struct Answer: Sendable {
    var status = 0
    var headers = WebHeaders()
    var body = ""
  }

  private static func send(_ request: WebRequest) async throws -> Answer {
    let answer = Mutex(Answer())
    try await WebTransfer.run(
      request,
      WebTransfer.Consumer(
        head: { head in answer.withLock { ($0.status, $0.headers) = (head.status, head.headers) } },
        data: { data in answer.withLock { $0.body += String(decoding: data, as: UTF8.self) } }))
    return answer.withLock { $0 }
  }

  private static func failure(of request: WebRequest) async -> WebFailure.Kind? {
    do {
      _ = try await send(request)
      return nil
    } catch { return (error as? WebFailure)?.kind }
  }

  @Test("requests with a body of bytes, of a file, of a form and without one arrive as they were meant") func bodies() async throws {
    let file = try TemporaryFile(text: "from a file")
    let bodies: [(WebRequest.Body?, [String])] = [
      (nil, ["POST /x \r\n"]), (.bytes(Array("bytes".utf8)), ["POST /x bytes"]), (.file(file.path), ["POST /x from a file"]),
      (.form([("one", file.path), ("two", file.path)]), ["name=\"one\"", "name=\"two\"", "from a file"]),
    ]
    try await withServer(handler: echo) { port, _, _ async throws in
      for (body, expected) in bodies {
        var request = WebRequest("POST", "http://127.0.0.1:\(port)/x")
        request.body = body
        let answer = try await Self.send(request)
        #expect(answer.status == 200 && answer.headers["content-TYPE"]?.hasPrefix("text/plain") == true)
        for part in expected { #expect((answer.body + "\r\n").contains(part)) }
      }
    }
  }

  @Test("an answer of any status is passed on, and what the consumer throws ends the transfer") func answers() async throws {
    struct Enough: Error {}
    let handler: HTTP.Handler = { _ in throw HTTPError.notFound("There is no such thing.") }
    try await withServer(handler: handler) { port, _, _ async throws in
      let request = WebRequest("GET", "http://127.0.0.1:\(port)/")
      let answer = try await Self.send(request)
      #expect(answer.status == 404 && answer.body.contains("There is no such thing."))
      await #expect(throws: Enough.self) {
        try await WebTransfer.run(request, WebTransfer.Consumer(head: { _ in throw Enough() }, data: { _ in }))
      }
      await #expect(throws: Enough.self) {
        try await WebTransfer.run(request, WebTransfer.Consumer(head: { _ in }, data: { _ in throw Enough() }))
      }
    }
  }

  @Test("what can fail is told apart") func failures() async throws {
    #expect(await Self.failure(of: WebRequest("GET", "http://127.0.0.1:1/")) == .cannotConnect)
    #expect(await Self.failure(of: WebRequest("GET", "http://nowhere.invalid/")) == .unknownHost)
    #expect(await Self.failure(of: WebRequest("GET", "file:///etc/passwd")) == .malformedURL)
    var request = WebRequest("POST", "http://127.0.0.1:1/")
    for body in [WebRequest.Body.file("/nowhere"), .file("/"), .form([("one", "/nowhere")])] {
      request.body = body
      #expect(await Self.failure(of: request) == .unreadableFile)
    }
    let latch = Latch()
    try await withServer(handler: { _ in
      try? await latch.wait()
      return .text("late")
    }) { port, _, _ async throws in
      var slow = WebRequest("GET", "http://127.0.0.1:\(port)/")
      slow.mostSeconds = 1
      #expect(await Self.failure(of: slow) == .timedOut)
      let waiting = latch.waiting
      let task = Task { try await Self.send(WebRequest("GET", "http://127.0.0.1:\(port)/")) }
      #expect(await eventually { latch.waiting > waiting })
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      latch.open()
    }
  }

  @Test("the address that is asked about is the one that is connected to, for names too") func addresses() async throws {
    try await withServer(handler: { _ in .text("reached") }) { port, _, log async throws in
      for host in ["127.0.0.1", "localhost"] {
        let asked = Mutex<[SocketAddress]>([])
        var request = WebRequest("GET", "http://\(host):\(port)/")
        request.allows = { address in
          asked.withLock { $0.append(address) }
          return false
        }
        #expect(await Self.failure(of: request) == .forbiddenAddress)
        #expect(asked.withLock { addresses in addresses.contains(SocketAddress(host: "127.0.0.1", port: port)) })
      }
      #expect(log.requests.isEmpty)
      var request = WebRequest("GET", "http://127.0.0.1:\(port)/")
      request.allows = { $0.host == "127.0.0.1" }
      #expect(try await Self.send(request).body.hasPrefix("reached"))
    }
  }

  @Test("a certificate is taken from an authority of one's own alone, and one's own is shown") func certificates() async throws {
    let certificate = try TestCertificate()
    let files = TLSFiles(certificate: certificate.certificate, key: certificate.key, clientCA: certificate.certificate)
    try await withServer({ $0.tls = certificate.files }, handler: { _ in .text("here") }) { port, _, _ async throws in
      var request = WebRequest("GET", "https://localhost:\(port)/")
      #expect(await Self.failure(of: request) == .untrusted)
      request.trust = WebTrust(authorities: certificate.certificate)
      #expect(try await Self.send(request).status == 200)
    }
    try await withServer({ $0.tls = files }, handler: { _ in .text("here") }) { port, _, _ async throws in
      var request = WebRequest("GET", "https://localhost:\(port)/")
      request.trust = WebTrust(authorities: certificate.certificate)
      #expect(await Self.failure(of: request) != nil)
      request.trust = WebTrust(authorities: certificate.certificate, certificate: certificate.certificate, key: certificate.key)
      #expect(try await Self.send(request).status == 200)
    }
  }
}
