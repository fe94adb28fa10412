import JSON
import HTTP
import Jobs
import Robustness

extension Routes {
  /// The events of a job: as a stream that goes on until the job has ended, or those so far as a list.
  func events(_ call: Call) async throws -> Response {
    let id = call.path("id")
    let after = try position(call)
    let job = try store.job(id)
    // A browser's EventSource asks for the stream by its type; `curl` asks for anything and gets the stream too.
    guard try call.request.negotiate("text/event-stream", "application/json") == "text/event-stream" else {
      let page = try store.events(of: id, after: after, limit: call.limit)
      return try .resource(ListPage(items: page.elements.map(\.json), hasMore: page.hasMore).json, for: call.request)
    }
    if job.state.isTerminal, try store.events(of: id, after: after, limit: 1).elements.isEmpty {
      // Nothing will ever follow; 204 keeps an EventSource from coming back (WHATWG HTML §9.2.3).
      return Response(status: .noContent)
    }
    let (store, status) = (store, status)
    return .events(heartbeat: configuration.heartbeatSeconds, headers: [.vary: "Accept"]) { stream in
      let feed = try store.feed(of: id, after: after)
      while let events = try await feed.next() {
        try await stream.send(encoded: events.flatMap { $0.bytes(Self.encoded) })
        // The client comes back with Last-Event-ID to whoever serves next.
        if status.isDraining { return }
      }
    }
  }

  private static func encoded(_ event: JobEvent) -> [UInt8] {
    ServerSentEvent(id: String(event.number), event: event.kind.rawValue, data: data(of: event).serialised()).encoded
  }

  /// The last event that the client has: by `Last-Event-ID` when it lost the stream, else by `after`.
  private func position(_ call: Call) throws -> Int {
    try Self.lastEvent(of: call.request) ?? call.query.integer("after")
  }

  /// The data of the event, with when it happened.
  private static func data(of event: JobEvent) -> JSONValue {
    guard case .object(var object) = event.data else { return event.data }
    object["at"] = .string(event.at.description)
    return .object(object)
  }
}
