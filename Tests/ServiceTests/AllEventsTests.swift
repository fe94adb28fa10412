import Foundation
import JSON
import Testing

/// The events of all jobs in one stream.
@Suite("Events of all jobs") struct AllEventsTests {
  @Test("the list has the events of all jobs in one order, and a page goes on where the one before ended") func list() async throws {
    try await RunningService.with { service async throws in
      let ids = try await [service.submit(Spec.quick()), service.submit(Spec.quick())]
      for id in ids { _ = try await service.job(id) }
      var (all, after): ([JSONValue], Int) = ([], 0)
      while true {
        let page = try await service.curl("/v1/events?limit=3&after=\(after)", "-H", "Accept: application/json").json
        all += page["data"]?.list ?? []
        guard page["has_more"] == true, let last = page["last_id"]?.integer else { break }
        after = last
      }
      let places = all.compactMap { $0["id"]?.integer }
      #expect(places == places.sorted() && Set(places).count == all.count)
      for id in ids {
        let own = try await service.curl("/v1/jobs/\(id)/events?limit=200", "-H", "Accept: application/json").json["data"]?.list ?? []
        let kept = own.filter { $0["event"] != "progress" }
        let found = all.filter { $0["job"]?.text == id }
        #expect(found.map { $0["event"] } == kept.map { $0["event"] } && found.map { $0["data"] } == kept.map { $0["data"] })
      }
    }
  }

  @Test("a stream that is taken up again has lost nothing and doubles nothing, also across a restart") func resumes() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("temper-events-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let first = try RunningService.start(in: folder)
    // It begins now, with the place where that is.
    let opening = try await first.stream(last: nil, seconds: 1)
    let begin = try #require(opening.ids.first)
    let id = try await first.submit(Spec.quick())
    let some = try await first.stream(last: begin, seconds: 1)
    #expect(some.events.contains { $0.contains(id) })
    let middle = some.ids.last ?? begin
    _ = try await first.job(id)
    await first.service.drain()
    let second = try RunningService.start(in: folder)
    let other = try await second.submit(Spec.quick())
    _ = try await second.job(other)
    let rest = try await second.stream(last: middle, seconds: 1)
    let places = (some.ids.filter { $0 != begin } + rest.ids.filter { $0 != middle }).compactMap { Int($0) }
    #expect(places == places.sorted() && Set(places).count == places.count)
    let listed = try await second.curl("/v1/events?limit=200&after=\(begin)", "-H", "Accept: application/json").json["data"]?.list ?? []
    #expect(places == listed.compactMap { $0["id"]?.integer })
    #expect(rest.events.contains { $0.contains(other) && $0.contains("event: end") })
    // Beyond the end it goes on from the last.
    let beyond = try await second.stream(last: "9000000000000000", seconds: 1)
    #expect(beyond.ids.first.flatMap { Int($0) } == places.last)
    await second.service.drain()
  }
}

extension RunningService {
  /// What a stream of all events gives within some seconds.
  fileprivate func stream(last: String?, seconds: Int) async throws -> (ids: [String], events: [String]) {
    let body = file()
    let resume = last.map { ["-H", "Last-Event-ID: \($0)"] } ?? []
    _ = try await Curl.run(["-sN", "-m", String(seconds), "-o", body.path] + resume + [url("/v1/events")])
    let text = (try? String(contentsOf: body, encoding: .utf8)) ?? ""
    let ids = text.split(separator: "\n").filter { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
    return (ids, text.components(separatedBy: "\n\n"))
  }
}
