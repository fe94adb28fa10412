import GRDB
import JSON

/// An event with its place among those of all jobs.
package struct PlacedEvent: Sendable {
  /// Rises over all jobs; never given out twice.
  package let position: Int
  package let event: JobEvent

  package var json: JSONValue {
    [
      "id": .int(Int64(position)), "event": .string(event.kind.rawValue), "job": .string(event.job), "at": .string(event.at.description),
      "data": event.data,
    ]
  }
}

/// The events of all jobs, in the order in which they were stored. Progress is not among them, as the store does not keep it.
extension Store {
  package func allEvents(for viewer: Viewer, after position: Int, limit: Int = 200) throws -> Page<PlacedEvent> {
    try database.read { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT event_order.position AS place, events.* FROM event_order
          JOIN events ON events.job = event_order.job AND events.number = event_order.number JOIN jobs ON jobs.id = events.job
          WHERE event_order.position > ? AND (? = '*' OR jobs.owner = ?) ORDER BY event_order.position LIMIT ?
          """, arguments: [position, viewer.owner, viewer.owner, limit + 1])
      let events = rows.prefix(limit).compactMap { row in
        (try? JobEvent(row)).map { PlacedEvent(position: row["place"], event: $0) }
      }
      return Page(elements: events, hasMore: rows.count > limit)
    }
  }

  /// - Parameter position: of the last event that the follower has; `nil`: it wants those from now on. One that nobody gave out yet is taken
  ///   for the last.
  package func feedOfAll(for viewer: Viewer, after position: Int?) throws -> AllEventsFeed {
    let last = try database.read { db in try Int.fetchOne(db, sql: "SELECT coalesce(max(position), 0) FROM event_order") ?? 0 }
    return AllEventsFeed(self, viewer: viewer, after: min(position ?? last, last))
  }
}

/// Where one follower of the events of all jobs stands. Each event comes once and in order; it is to be asked by one task at a time.
package final class AllEventsFeed {
  private let store: Store
  private let viewer: Viewer
  /// Of the last event that the follower has.
  package private(set) var position: Int

  init(_ store: Store, viewer: Viewer, after position: Int) {
    self.store = store
    self.viewer = viewer
    self.position = position
  }

  /// The next events, at least one, waiting for them; `nil` when nobody is to wait any more.
  package func next() async throws -> [PlacedEvent]? {
    while !Task.isCancelled {
      let changes = store.board.changes
      let events = try store.allEvents(for: viewer, after: position).elements
      if let last = events.last {
        position = last.position
        return events
      }
      if store.board.isEnding { return nil }
      await store.board.waitForChange(since: changes, atMost: 60)
    }
    return nil
  }
}
