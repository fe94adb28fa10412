import HTTP
import Testing

struct RequestBodyTests {
  private func status(_ read: () async throws -> [UInt8]) async -> Int {
    do {
      _ = try await read()
      return 200
    } catch {
      return (error as? HTTPError)?.status.code ?? 0
    }
  }

  @Test("a body is collected up to its limit") func aBodyIsCollectedUpToItsLimit() async throws {
    #expect(try await RequestBody([1, 2, 3]).collect() == [1, 2, 3])
    #expect(try await RequestBody([1, 2, 3]).collect(upTo: 3) == [1, 2, 3])
    #expect(await status { try await RequestBody([1, 2, 3]).collect(upTo: 2) } == 413)
    #expect(await status { try await RequestBody([1, 2, 3], limit: 2).collect() } == 413)
  }

  @Test("a route can widen the limit") func aRouteCanWidenTheLimit() async throws {
    let body = RequestBody([1, 2, 3], limit: 1)
    body.limit(to: 3)
    var bytes: [UInt8] = []
    for try await chunk in body { bytes += chunk }
    #expect(bytes == [1, 2, 3])
    #expect(try await body.next() == nil)
  }
}
