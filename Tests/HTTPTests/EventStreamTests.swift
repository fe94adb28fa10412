import HTTP
import Synchronization
import Testing

struct EventStreamTests {
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func anEventHasALineForEachOfItsFields() {
    let event = ServerSentEvent(id: "7", event: "metric", data: "{\"a\":1}", retry: 3000)
    #expect(text(event.encoded) == "id: 7\nevent: metric\nretry: 3000\ndata: {\"a\":1}\n\n")
  }

  @Test func everyLineOfTheDataStandsAlone() {
    #expect(text(ServerSentEvent(data: "a\nb\r\nc\rd\n").encoded) == "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n")
    #expect(text(ServerSentEvent(data: "").encoded) == "data: \n\n")
  }

  @Test func noFieldCanSmuggleInAnother() {
    #expect(text(ServerSentEvent(id: "1\ndata: x", event: "a\r\nb", data: "").encoded) == "id: 1 data: x\nevent: a b\ndata: \n\n")
    #expect(text(ServerSentEvent(id: "\0", data: "").encoded) == "data: \n\n")
    #expect(text(ServerSentEvent.comment("a\nb")) == ": a b\n\n")
  }

  @Test func aQuietStreamHasAHeartbeat() async throws {
    let written = Mutex<[String]>([])
    let response = Response.events(heartbeat: 0.02) { stream in
      try await stream.send(ServerSentEvent(event: "state", data: "1"))
      while written.withLock({ $0.count }) < 3 { try await Task.sleep(for: .milliseconds(5)) }
    }
    guard case .stream(let produce) = response.body else {
      Issue.record("not a stream")
      return
    }
    #expect(response.headers[.contentType] == "text/event-stream")
    try await produce(ResponseWriter { bytes in written.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) } })
    #expect(written.withLock { Array($0.prefix(3)) } == ["event: state\ndata: 1\n\n", ": heartbeat\n\n", ": heartbeat\n\n"])
  }
}
