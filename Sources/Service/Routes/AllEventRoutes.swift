import HTTP
import JSON
import Jobs

/// One stream for a page that shows many jobs: a browser opens six connections to a host, over all its tabs.
extension Routes {
  var allEventTable: [Endpoint] {
    [
      Endpoint(
        .get, "/v1/events", "getAllEvents",
        "What happens to all jobs that one may see, without their progress: a stream that goes on, or what there is as a list.",
        access: .read, scope: .owner,
        parameters: [
          Field(
            "after", .integer(0...Int.max),
            help:
              "Only events after the one of this id; Last-Event-ID says the same. Without either a stream begins now, a list at the first."),
          Field(
            "limit", .integer(ListPage.limits), default: .int(Int64(ListPage.defaultLimit)), help: "Of a list: the most events."),
        ], types: ["text/event-stream", "application/json"], handle: allEvents)
    ]
  }

  func allEvents(_ call: Call) async throws -> Response {
    let after = try Self.lastEvent(of: call.request) ?? call.query.optionalInteger("after")
    guard try call.request.negotiate("text/event-stream", "application/json") == "text/event-stream" else {
      let page = try store.allEvents(for: call.viewer, after: after ?? 0, limit: call.limit)
      return try .resource(ListPage(items: page.elements.map(\.json), hasMore: page.hasMore).json, for: call.request)
    }
    let (store, status, viewer) = (store, status, call.viewer)
    return .events(heartbeat: configuration.heartbeatSeconds, headers: [.vary: "Accept"]) { stream in
      let feed = try store.feedOfAll(for: viewer, after: after)
      // An id without data is no event, but a browser that loses the stream before the first one comes back with it (WHATWG HTML §9.2.6).
      try await stream.send(encoded: Array("id: \(feed.position)\n\n".utf8))
      while let events = try await feed.next() {
        try await stream.send(encoded: events.flatMap(Self.encoded))
        if status.isDraining { return }
      }
    }
  }

  private static func encoded(_ placed: PlacedEvent) -> [UInt8] {
    var data = JSONObject()
    if case .object(let object) = placed.event.data { data = object }
    data["job"] = .string(placed.event.job)
    data["at"] = .string(placed.event.at.description)
    return ServerSentEvent(id: String(placed.position), event: placed.event.kind.rawValue, data: JSONValue.object(data).serialised())
      .encoded
  }

  /// What `Last-Event-ID` says; `nil` without one.
  static func lastEvent(of request: Request) throws -> Int? {
    guard let last = request.headers[.lastEventID], !last.isEmpty else { return nil }
    guard let number = Int(last), number >= 0 else {
      throw HTTPError(.badHeader, "Last-Event-ID must be the id of an event, a whole number, not \(last.prefix(100)).")
    }
    return number
  }
}
