import Foundation
import Robustness
import Testing

import Jobs

@Suite struct EventTests {
  @Test("a follower gets every event once and in order, wherever it starts, and ends with the job", arguments: [0, 1, 7, 52])
  func follow(_ after: Int) async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    let events = try store.liveEvents(of: id, after: after)
    let writer = Task.detached {
      _ = try store.claim()
      for step in 1...50 { try store.note(JobProgress(step: step, fraction: Double(step) / 50), of: id, event: true) }
      try store.settle(id, as: .succeeded, reason: nil)
    }
    var numbers: [Int] = []
    var kinds: [JobEvent.Kind] = []
    for try await event in events {
      numbers.append(event.number)
      kinds.append(event.kind)
    }
    try await writer.value
    // Queued, running, fifty of progress, succeeded, the end.
    #expect(numbers == Array(after + 1...54))
    #expect(kinds.last == .end)
    #expect(kinds.filter { $0 == .end }.count == 1)
  }

  @Test("a follower that has seen the end of a job is not kept waiting")
  func afterTheEnd() async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    try store.move(id, to: .cancelled)
    var count = 0
    for try await _ in try store.liveEvents(of: id, after: 3) { count += 1 }
    #expect(count == 0)
    #expect(throws: NotFound.self) { try store.liveEvents(of: "job_x") }
  }

  @Test("a follower that goes leaves nobody waiting")
  func leaving() async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    let follower = Task {
      for try await _ in try store.liveEvents(of: id) {}
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
    #expect(try await store.job(job.id, differingFrom: job.revision - 1, within: 60) == job)
    async let changed = store.job(job.id, differingFrom: job.revision, within: 60)
    #expect(try await eventually { store.followers == 1 })
    try store.move(job.id, to: .cancelled)
    #expect(try await changed.state == .cancelled)
  }

  @Test("a wait without a change ends when its time is up")
  func timeout() async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let job = try store.submit(Specs.parsed(Specs.smallest))
    let start = ContinuousClock.now
    #expect(try await store.job(job.id, differingFrom: job.revision, within: 0.2) == job)
    #expect(ContinuousClock.now - start >= .milliseconds(200))
    #expect(try await eventually { store.followers == 0 })
  }
}
