import Glibc
import HTTP
import Testing

struct DescriptorLimitTests {
  @Test(
    "connections leave descriptors to everything else",
    arguments: [
      // The configured number, if there are descriptors for it, for the reserve, and for 64 refusals.
      (configured: 1024, limit: 1_048_576, reserve: 256, connections: 1024), (1024, 1344, 256, 1024), (1024, 1343, 256, 1023),
      (1024, 1024, 256, 704), (100, 1024, 256, 100), (1024, 256, 256, 16), (4, 256, 256, 4), (1024, 1024, -5, 960),
    ])
  func connections(configured: Int, limit: Int, reserve: Int, connections: Int) {
    #expect(DescriptorLimit.connections(configured: configured, limit: limit, reserve: reserve) == connections)
  }

  @Test("the limit is raised as far as it goes, and a server that cannot have what is configured says so")
  func theLimitIsRaised() async throws {
    let limit = DescriptorLimit.raise()
    #expect(limit == DescriptorLimit.current && limit > 0)
    try await withServer({ $0.limits.maxConnections = limit }, handler: { _ in Response() }) { _, _, log in
      let warning = log.lines.first { $0.level == .warning }
      #expect(warning?.fields["configured"] == "\(limit)" && warning?.fields["descriptor_limit"] == "\(limit)")
      #expect(warning?.fields["connections"] == "\(max(16, limit - 256 - 64))")
    }
    try await withServer({ $0.limits.maxConnections = 16 }, handler: { _ in Response() }) { _, _, log in
      #expect(!log.lines.contains { $0.level == .warning })
    }
  }

  @Test("a server that is out of descriptors waits at rest, and takes connections again when there are some")
  func aServerOutOfDescriptors() async {
    // The limit applies to the whole process, so the test needs its own process.
    await #expect(processExitsWith: .success) {
      try await withServer(handler: { .text($0.path) }) { port, server, _ in
        // The first connection and the first timer open further descriptors.
        do {
          let first = try RawClient(port: port)
          first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
          _ = try first.answer()
          try await Task.sleep(for: .milliseconds(1))
        }
        try #require(await eventually { server.metrics.snapshot().connectionsOpen == 0 })
        var limits = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        limits.rlim_cur = min(limits.rlim_cur, 256)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        // Take all descriptors but seven: three pairs, and one for the client that cannot be accepted.
        var taken: [Int32] = []
        while case let descriptor = dup(0), descriptor >= 0 { taken.append(descriptor) }
        for descriptor in taken.suffix(7) { close(descriptor) }
        var clients: [RawClient] = []
        for count in 1...4 {
          clients.append(try RawClient(port: port))
          try #require(await eventually { server.metrics.snapshot().connectionsOpen == min(count, 3) })
        }
        try #require((try? RawClient(port: port)) == nil)
        let before = clock()
        try await Task.sleep(for: .milliseconds(500))
        // Processor time. A server that retried in a loop would use nearly the whole half second.
        try #require(clock() - before < CLOCKS_PER_SEC / 4)
        for client in clients { client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        // Each client that disconnects leaves room for another.
        while let client = clients.first {
          try #require(try client.answer().text == "/")
          clients.removeFirst()
        }
      }
    }
  }
}
