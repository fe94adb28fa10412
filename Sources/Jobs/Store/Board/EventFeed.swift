/// Where one follower of a job's events stands. Each event comes once and in order; it is to be asked by one task at a time.
package final class EventFeed {
  private let store: Store
  private let job: String
  private var number: Int
  private var hasEnded = false

  init(_ store: Store, job: String, after number: Int) {
    self.store = store
    self.job = job
    self.number = number
  }

  /// The next events, at least one, waiting for them; `nil` after the last one, and when nobody is to wait any more.
  package func next() async throws -> [LiveEvent]? {
    while !hasEnded, !Task.isCancelled {
      if let events = try present() {
        number = events.last?.event.number ?? number
        hasEnded = events.last?.event.kind == .end
        return events
      }
      if hasEnded || store.board.isEnding { return nil }
      await store.board.wait(for: job, eventAfter: number, atMost: 60)
    }
    return nil
  }

  /// What is there already; `nil` when that is nothing.
  private func present() throws -> [LiveEvent]? {
    switch store.board.feed(of: job, after: number) {
    case .events(let events): return events
    case .nothing:
      hasEnded = try store.snapshot(of: job).job.state.isTerminal
      return nil
    case .stored(let end):
      do {
        let stored = try store.events(of: job, after: number, before: end).elements
        // What lay between was not kept.
        if stored.isEmpty { number = end - 1 }
        return stored.isEmpty ? try present() : stored.map(LiveEvent.init)
      } catch is NotFound {
        hasEnded = true
      }
    case .unknown:
      // Forgotten, or deleted.
      do { _ = try store.snapshot(of: job) } catch is NotFound { hasEnded = true }
    }
    return nil
  }
}
