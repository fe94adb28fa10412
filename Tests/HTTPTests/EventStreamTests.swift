import HTTP
import Testing

struct EventStreamTests {
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test("an event has a line for each of its fields") func anEventHasALineForEachOfItsFields() {
    let event = ServerSentEvent(id: "7", event: "metric", data: "{\"a\":1}", retry: 3000)
    #expect(text(event.encoded) == "id: 7\nevent: metric\nretry: 3000\ndata: {\"a\":1}\n\n")
  }

  @Test("every line of the data stands alone") func everyLineOfTheDataStandsAlone() {
    #expect(text(ServerSentEvent(data: "a\nb\r\nc\rd\n").encoded) == "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n")
    #expect(text(ServerSentEvent(data: "").encoded) == "data: \n\n")
  }

  @Test("no field can smuggle in another") func noFieldCanSmuggleInAnother() {
    #expect(text(ServerSentEvent(id: "1\ndata: x", event: "a\r\nb", data: "").encoded) == "id: 1 data: x\nevent: a b\ndata: \n\n")
    #expect(text(ServerSentEvent(id: "\0", data: "").encoded) == "data: \n\n")
    #expect(text(ServerSentEvent.comment("a\nb")) == ": a b\n\n")
  }

  private static let head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

  @Test("a client knows that it is heard before there is an event")
  func aStreamOpensAtOnce() async throws {
    let (events, event) = AsyncStream<Void>.makeStream()
    try await withServer(handler: { _ in
      .events(retry: 1500) { stream in
        for await _ in events { try await stream.send(ServerSentEvent(data: "x")) }
      }
    }) { port, _, _ in
      let client = try RawClient(port: port)
      client.send(Self.head)
      try client.receive(until: "retry: 1500\n: connected\n\n")
      #expect(client.pending.contains("Content-Type: text/event-stream\r\n"))
      // What nginx and other proxies need to pass each event on as it comes.
      #expect(client.pending.contains("Cache-Control: no-cache, no-transform\r\n"))
      #expect(client.pending.contains("X-Accel-Buffering: no\r\n"))
      event.yield()
      event.finish()
      #expect(String(decoding: try client.answer().body, as: UTF8.self) == "retry: 1500\n: connected\n\ndata: x\n\n")
    }
  }

  @Test("a quiet stream has a heartbeat, in either version of HTTP", arguments: ["1.1", "1.0"])
  func aQuietStreamHasAHeartbeat(version: String) async throws {
    let (heard, hear) = AsyncStream<Void>.makeStream()
    try await withServer(
      { $0.timeouts.linger = 0.05 },
      handler: { _ in
        .events(heartbeat: 0.02) { stream in
          for await _ in heard { break }
          try await stream.send(ServerSentEvent(data: "end"))
        }
      }
    ) { port, _, _ in
      let client = try RawClient(port: port)
      client.send("GET / HTTP/\(version)\r\nHost: a\r\nConnection: close\r\n\r\n")
      try client.receive(until: ": connected\n\n")
      for _ in 0..<2 {
        let before = client.pending.split(separator: ": heartbeat\n\n", omittingEmptySubsequences: false).count
        while client.pending.split(separator: ": heartbeat\n\n", omittingEmptySubsequences: false).count == before {
          try #require(client.receive())
        }
      }
      hear.yield()
      let text = client.receiveAll()
      #expect(text.hasSuffix(version == "1.0" ? ": heartbeat\n\ndata: end\n\n" : "\r\ndata: end\n\n\r\n0\r\n\r\n"))
      if version == "1.1" { #expect(text.contains("\r\nd\r\n: heartbeat\n\n\r\n")) }
    }
  }

  @Test("events that were encoded once go to all who follow")
  func encodedEventsAreSentAsTheyAre() async throws {
    let encoded = ServerSentEvent(id: "1", data: "a").encoded + ServerSentEvent(id: "2", data: "b").encoded
    try await withServer(handler: { _ in .events { try await $0.send(encoded: encoded) } }) { port, _, _ in
      for _ in 0..<3 {
        let client = try RawClient(port: port)
        client.send(Self.head)
        #expect(try client.answer().text.hasSuffix(": connected\n\nid: 1\ndata: a\n\nid: 2\ndata: b\n\n"))
      }
    }
  }
}
