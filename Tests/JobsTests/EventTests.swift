import Foundation
import GRDB
import Robustness
import Testing

import Jobs

@Suite struct EventTests {
  /// A new store with one queued job; the folder goes with the value.
  private func queuedJob() throws -> (folder: TestFolder, store: Store, id: String) {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    return (folder, store, try store.submit(Specs.parsed(Specs.smallest)).id)
  }

  /// Runs `body` with a store and its one running job, as a process that is killed afterwards.
  private func killedProcess<Value>(in folder: TestFolder, _ body: (Store, String) async throws -> Value) async throws -> (String, Value) {
    let store = try Store(at: folder.url)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    _ = try store.claim()
    return (id, try await body(store, id))
  }

  /// The revisions that a hundred reports of progress show.
  private func revisions(of id: String, _ store: Store, from step: Int = 0) throws -> Set<Int> {
    try (1...100).reduce(into: []) { shown, number in
      store.show(JobProgress(step: step + number), of: id)
      shown.insert(try store.job(id).revision)
    }
  }

  private func all(_ feed: EventFeed) async throws -> [JobEvent] {
    var events: [JobEvent] = []
    while let more = try await feed.next() { events += more.map(\.event) }
    return events
  }

  /// One event is there when the follower comes: behind it there is none to go on from.
  @Test("a follower gets every event once and in order, wherever it starts, and ends with the job", arguments: [-1, 0, 1, 52, .max])
  func follow(_ after: Int) async throws {
    let (folder, store, id) = try queuedJob()
    defer { withExtendedLifetime(folder) {} }
    let feed = try store.feed(of: id, after: after)
    let writer = Task.detached {
      _ = try store.claim()
      for step in 1...50 { store.show(JobProgress(step: step, fraction: Double(step) / 50), of: id) }
      try store.settle(id, Store.Ending(.succeeded))
    }
    let events = try await all(feed)
    try await writer.value
    // Queued, running, fifty events of progress, succeeded, the end.
    #expect(events.map(\.number) == Array(min(max(after, 0), 1) + 1...54))
    #expect(events.last?.kind == .end)
    #expect(events.filter { $0.kind == .end }.count == 1)
  }

  @Test("followers see the numbers rise, whoever writes at the same time")
  func interleaved() async throws {
    let (folder, store, id) = try queuedJob()
    defer { withExtendedLifetime(folder) {} }
    _ = try store.claim()
    let feeds = try (0..<4).map { _ in try store.feed(of: id) }
    async let seen = withThrowingTaskGroup(of: [JobEvent].self) { group in
      for feed in feeds {
        let feed = Unshared(feed)
        group.addTask { try await all(feed.value) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { for step in 1...400 { store.show(JobProgress(step: step), of: id) } }
      group.addTask { for number in 1...60 { try store.note(Warning(code: "w\(number)", detail: "A warning."), of: id) } }
      try await group.waitForAll()
    }
    try store.settle(id, Store.Ending(.succeeded))
    for events in try await seen {
      #expect(events.map(\.number) == events.map(\.number).sorted())
      #expect(Set(events.map(\.number)).count == events.count)
      #expect(events.filter { $0.kind == .warning }.count == 60)
      #expect(events.last?.kind == .end)
    }
  }

  /// Passes a feed to the one task that uses it.
  private final class Unshared: @unchecked Sendable {  // safe: handed over once, before it is used
    let value: EventFeed
    init(_ value: EventFeed) { self.value = value }
  }

  @Test("no number is given out twice, though the process was killed and most events were never stored")
  func numbersAfterACrash() async throws {
    let folder = try TestFolder()
    let (id, last) = try await killedProcess(in: folder) { store, id in
      for step in 1...3_000 { store.show(JobProgress(step: step), of: id) }
      let latest = try await store.feed(of: id, after: 2_900).next()
      return try #require(latest?.last?.event.number)
    }
    let next = try Store(at: folder.url)
    try next.recover()
    let fresh = try #require(try next.events(of: id, after: 2).elements.first)
    #expect(fresh.number > last)
    #expect(fresh.kind == .state)
  }

  @Test("an event whose row cannot be understood is left out, and whoever follows gets all the others")
  func badRow() async throws {
    let (folder, store, id) = try queuedJob()
    _ = try store.claim()
    for number in 1...3 { try store.note(Warning(code: "w\(number)", detail: "A warning."), of: id) }
    let good = try store.events(of: id).elements
    try store.settle(id, Store.Ending(.succeeded))
    try store.close()
    try changeDatabase(in: folder.url, "UPDATE events SET data = 'zz' WHERE job = ? AND number = ?", [id, good[3].number])
    let next = try Store(at: folder.url)
    let numbers = try next.events(of: id).elements.map(\.number)
    #expect(numbers.starts(with: (good[..<3] + good[4...]).map(\.number)) && !numbers.contains(good[3].number))
    #expect(try await all(next.feed(of: id)).map(\.number) == numbers)
    #expect(try next.events(of: id, limit: 3).hasMore)
  }

  @Test("progress is shown while no numbers can be reserved for its events, which come again as soon as they can")
  func reservationFails() async throws {
    let (folder, store, id) = try queuedJob()
    _ = try store.claim()
    let feed = try store.feed(of: id)
    let other = try DatabaseQueue(path: folder.url.appendingPathComponent("temper.sqlite").path)
    try await other.write { db in
      try db.execute(
        sql: "CREATE TRIGGER no_block BEFORE UPDATE OF events_reserved ON jobs BEGIN SELECT RAISE(ABORT, 'no'); END")
    }
    for step in 1...1_100 { store.show(JobProgress(step: step), of: id) }
    #expect(try store.job(id).progress.step == 1_100)
    try await other.write { db in try db.execute(sql: "DROP TRIGGER no_block") }
    store.show(JobProgress(step: 1_101), of: id)
    try store.settle(id, Store.Ending(.succeeded))
    let events = try await all(feed)
    #expect(events.last { $0.kind == .progress }?.data["step"] == 1_101)
    #expect(!events.contains { $0.kind == .progress && $0.data["step"] == 1_100 })
    #expect(Set(events.map(\.number)).count == events.count)
  }

  @Test("a revision that was shown never comes again for another state, though the process was killed")
  func revisionsAfterACrash() async throws {
    let folder = try TestFolder()
    let (id, shown) = try await killedProcess(in: folder) { store, id in try revisions(of: id, store) }
    #expect(shown.count == 100)
    let next = try Store(at: folder.url)
    try next.recover()
    _ = try next.claim()
    #expect(try revisions(of: id, next, from: 1_000).isDisjoint(with: shown))
  }

  @Test("a job that waited when the process was killed starts with a revision that was never shown while it waited")
  func revisionOfTheQueue() throws {
    let folder = try TestFolder()
    let id: String
    var shown: Set<Int> = []
    do {
      let store = try Store(at: folder.url)
      id = try store.submit(Specs.parsed(Specs.smallest)).id
      shown.insert(try store.snapshot(of: id).job.revision)
      _ = try store.claim()
    }
    for _ in 0..<2 {
      let store = try Store(at: folder.url)
      try store.recover()
      #expect(try store.job(id).state == .queued)
      shown.insert(try store.snapshot(of: id).job.revision)
    }
    let next = try Store(at: folder.url)
    #expect(shown.contains(try next.snapshot(of: id).job.revision))
    #expect(try next.claim()?.state == .running)
    #expect(!shown.contains(try next.snapshot(of: id).job.revision))
  }

  @Test("a paused job is the same to the next process under the same revision, the last saved state included")
  func revisionOfAPause() throws {
    let (folder, store, id) = try queuedJob()
    _ = try store.claim()
    store.show(JobProgress(step: 40, savedStep: 30), of: id)
    try store.noteSaved(38, of: id)
    try store.settle(id, Store.Ending(.paused))
    let paused = try store.snapshot(of: id).job
    #expect(paused.state == .paused && paused.progress.savedStep == 38)
    try store.close()
    let next = try Store(at: folder.url)
    try next.recover()
    let found = try next.snapshot(of: id).job
    #expect(found.revision == paused.revision && found.progress == paused.progress)
  }

  @Test("the state in which a job ends has a revision of its own also for the next process, whatever was shown before")
  func revisionOfTheEnd() async throws {
    let folder = try TestFolder()
    let (id, shown) = try await killedProcess(in: folder) { store, id in
      var shown = try revisions(of: id, store)
      store.show(Warning(code: "w", detail: "A warning."), of: id)
      shown.insert(try store.job(id).revision)
      try store.settle(id, Store.Ending(.succeeded))
      return shown
    }
    let next = try Store(at: folder.url)
    #expect(try next.job(id).state == .succeeded)
    #expect(!shown.contains(try next.job(id).revision))
  }

  @Test("a follower that has seen the end of a job is not kept waiting")
  func afterTheEnd() async throws {
    let (folder, store, id) = try queuedJob()
    defer { withExtendedLifetime(folder) {} }
    try store.move(id, to: .cancelled)
    #expect(try await all(store.feed(of: id, after: 3)).isEmpty)
    // For an id that never existed, the feed continues after the last event.
    #expect(try await all(store.feed(of: id, after: 1_000_000)).isEmpty)
    #expect(throws: NotFound.self) { try store.feed(of: "job_x") }
  }

  @Test("a follower that goes leaves nobody waiting")
  func leaving() async throws {
    let (folder, store, id) = try queuedJob()
    defer { withExtendedLifetime(folder) {} }
    let follower = Task {
      let feed = try store.feed(of: id)
      while try await feed.next() != nil {}
    }
    #expect(try await eventually { store.followers == 1 })
    follower.cancel()
    _ = await follower.result
    #expect(try await eventually { store.followers == 0 })
  }

  @Test("a wait ends with the change it waits for")
  func wait() async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let job = try store.submit(Specs.parsed(Specs.smallest))
    #expect(try await store.snapshot(of: job.id, differingFrom: job.revision - 1, within: 60).job == job)
    async let changed = store.snapshot(of: job.id, differingFrom: job.revision, within: 60)
    #expect(try await eventually { store.followers == 1 })
    try store.move(job.id, to: .cancelled)
    #expect(try await changed.job.state == .cancelled)
  }

  @Test("a wait without a change ends when its time is up, and at once when the service ends")
  func timeout() async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let job = try store.submit(Specs.parsed(Specs.smallest))
    let start = ContinuousClock.now
    #expect(try await store.snapshot(of: job.id, differingFrom: job.revision, within: 0.2).job == job)
    #expect(ContinuousClock.now - start >= .milliseconds(200))
    #expect(try await eventually { store.followers == 0 })
    async let waiting = store.snapshot(of: job.id, differingFrom: job.revision, within: 3_600)
    #expect(try await eventually { store.followers == 1 })
    store.endWaiting()
    #expect(try await waiting.job == job)
  }
}
