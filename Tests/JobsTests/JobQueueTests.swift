import Foundation
import JSON
import TensorEngine
import Testing

import Jobs

/// Who waits for whom: the rules as values, and the same rules in the store.
@Suite("The order of jobs") struct JobQueueTests {
  /// A queue in short: `owner` and number, with what differs from the usual.
  private static func job(
    _ name: String, priority: Int = 0, bytes: Int = 10, seconds: Double? = 60, after: String? = nil, at position: Int
  ) -> JobQueue.Waiting {
    JobQueue.Waiting(
      id: name, owner: String(name.prefix(1)), priority: priority, position: position, bytes: bytes, seconds: seconds, follows: after)
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let waiting: [JobQueue.Waiting]
    var running: [JobQueue.Running] = []
    var budget: Int?
    var most: [String: Int] = [:]
    /// With one worker, in which order they begin; each ends before the next begins.
    let order: [String]
  }

  static let cases = [
    Case(
      testDescription: "one owner: by priority, then by submission",
      waiting: [job("a1", at: 1), job("a2", priority: 5, at: 2), job("a3", at: 3), job("a4", priority: 5, at: 4)],
      order: ["a2", "a4", "a1", "a3"]),
    Case(
      testDescription: "three owners take turns, whatever the priorities of one",
      waiting: [
        job("a1", priority: 9, at: 1), job("a2", priority: 9, at: 2), job("a3", priority: 9, at: 3), job("b1", at: 4), job("b2", at: 5),
        job("c1", priority: -5, at: 6),
      ], order: ["a1", "b1", "c1", "a2", "b2", "a3"]),
    Case(
      testDescription: "a job that follows another waits for it, and lets others pass",
      waiting: [job("a1", priority: 9, after: "c1", at: 1), job("a2", at: 2), job("b1", after: "a2", at: 3), job("c1", at: 4)],
      order: ["a2", "b1", "c1", "a1"]),
    Case(
      testDescription: "an owner's place is that of the job that goes first of the owner's own",
      waiting: [job("a1", at: 1), job("a2", priority: 9, at: 5), job("b1", at: 3)], order: ["b1", "a2", "a1"]),
    Case(
      testDescription: "a chain goes in its own order against all priorities",
      waiting: [
        job("a1", priority: 9, after: "a2", at: 1), job("a2", priority: 5, after: "a3", at: 2), job("a3", at: 3), job("b1", at: 4),
      ], order: ["a3", "b1", "a2", "a1"]),
    Case(
      testDescription: "alone, a job larger than the budget runs in its turn",
      waiting: [job("a1", bytes: 500, at: 1), job("b1", at: 2), job("c1", bytes: 90, at: 3)], budget: 100, order: ["a1", "b1", "c1"]),
  ]

  @Test("jobs begin in the order that the rules give", arguments: cases)
  func order(_ given: Case) {
    var queue = JobQueue(waiting: given.waiting, running: given.running, memoryBudget: given.budget, mostRunning: given.most)
    var begun: [String] = []
    while let next = queue.next {
      begun.append(next.id)
      queue.turns[next.owner] = begun.count
      queue.waiting = queue.waiting.filter { $0.id != next.id }.map { job in
        guard job.follows == next.id else { return job }
        return JobQueue.Waiting(
          id: job.id, owner: job.owner, priority: job.priority, position: job.position, bytes: job.bytes, seconds: job.seconds)
      }
    }
    #expect(begun == given.order)
  }

  @Test("the one whose owner has the fewest running jobs goes first, and a full owner waits")
  func fairness() {
    let running = [JobQueue.Running(id: "a0", owner: "a"), JobQueue.Running(id: "b0", owner: "b"), JobQueue.Running(id: "a9", owner: "a")]
    var queue = JobQueue(
      waiting: [Self.job("a1", priority: 9, at: 1), Self.job("b1", at: 2)], running: running, turns: ["a": 1, "b": 7])
    #expect(queue.next?.id == "b1")
    queue.mostRunning = ["b": 1]
    #expect(queue.next?.id == "a1")
    queue.mostRunning = ["b": 1, "a": 2]
    #expect(queue.next == nil)
    queue.mostRunning = [:]
    queue.isPaused = true
    #expect(queue.next == nil)
  }

  @Test("a job that does not fit waits, and those behind it with it")
  func memory() {
    let queue = JobQueue(
      waiting: [Self.job("a1", bytes: 60, at: 1), Self.job("b1", bytes: 1, at: 2)],
      running: [JobQueue.Running(id: "c0", owner: "c", bytes: 50)], memoryBudget: 100)
    #expect(queue.next == nil)
  }

  // MARK: In the store

  private func submit(_ store: Store, owner: String = "local", priority: Int = 0, after: String? = nil, bytes: Int = 10) throws -> String {
    var document = Specs.smallest.setting("/priority", to: .int(Int64(priority)))
    if let after { document = document.setting("/after", to: .string(after)) }
    return try store.submit(Specs.parsed(document), owner: owner, peakBytes: bytes, work: 1e9).id
  }

  @Test("three owners with priorities, followers and memory: the store runs them in the order of the rules")
  func inTheStore() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let a = try (0..<3).map { try submit(store, owner: "a", priority: $0) }
    let b = try submit(store, owner: "b")
    let follower = try submit(store, owner: "b", priority: 9, after: a[0])
    let c = try submit(store, owner: "c", bytes: 95)
    var begun: [String] = []
    while let job = try store.claim(within: 100) {
      begun.append(job.id)
      // A job that takes nearly all memory lets nobody in beside it.
      if job.id == c { #expect(try store.claim(within: 100) == nil) }
      try store.settle(job.id, Store.Ending(.succeeded))
    }
    #expect(begun == [a[2], b, c, a[1], a[0], follower])
  }

  @Test("when a job fails, those that were to follow it are cancelled with the reason, and those that were to follow them")
  func failing() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let first = try submit(store)
    let second = try submit(store, after: first)
    let third = try submit(store, after: second)
    let other = try submit(store)
    _ = try store.claim()
    try store.settle(first, Store.Ending(.failed, reason: "It broke."))
    #expect(try store.job(second).state == .cancelled && store.job(third).state == .cancelled && store.job(other).state == .queued)
    #expect(try store.job(second).reason == "\(first), which it was to follow, failed.")
    #expect(try store.job(third).reason == "\(second), which it was to follow, was cancelled.")
    #expect(try store.events(of: third).elements.last?.kind == .end)
    let refused = #expect(throws: SpecFaults.self) { try submit(store, after: first) }
    #expect(refused?.faults.map(\.pointer) == ["/after"])
    #expect(throws: SpecFaults.self) { try submit(store, after: Identifier.job.make()) }
  }

  @Test("a job that another is to follow cannot be deleted before that one has ended")
  func deleting() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let first = try submit(store)
    let second = try submit(store, after: first)
    #expect(try store.claim()?.id == first)
    #expect(try store.claim() == nil)
    try store.settle(first, Store.Ending(.succeeded))
    #expect(throws: InUse.self) { try store.delete(first) }
    #expect(try store.claim()?.id == second)
    try store.settle(second, Store.Ending(.succeeded))
    try store.delete(first)
  }

  @Test("another owner's job cannot be followed: it is not there") func foreign() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let theirs = try submit(store, owner: "a")
    let check = SpecCheck(Registry(store, viewer: Viewer(owner: "b")))
    let refused = #expect(throws: SpecFaults.self) { try check.accept(Specs.smallest.setting("/after", to: .string(theirs))) }
    #expect(refused?.faults.map(\.code) == [.notFound])
    #expect(throws: SpecFaults.self) { try check.accept(Specs.smallest.setting("/after", to: "job_none")) }
    let own = SpecCheck(Registry(store, viewer: Viewer(owner: "a")))
    #expect(try own.accept(Specs.smallest.setting("/after", to: .string(theirs))).spec.after == theirs)
  }

  // MARK: Why they wait

  @Test("each queued job says why it waits, and for how long by the speed of those that ended")
  func waits() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let workers = Workers(store: store, registry: Registry(store), engine: Engine(threads: 1), count: 1, memoryBudget: 100 << 30)
    let done = try submit(store)
    _ = try store.claim()
    try store.settle(done, Store.Ending(.succeeded, seconds: 100))
    let running = try submit(store, owner: "a")
    _ = try store.claim()
    store.show(JobProgress(fraction: 0.5, etaSeconds: 30), of: running)
    let next = try submit(store, owner: "b")
    let behind = try submit(store, owner: "b")
    let follower = try submit(store, owner: "b", after: running)
    let waits = try workers.waits(of: [running, next, behind, follower])
    #expect(waits.count == 3)
    #expect(waits[next]?.reason == .order && waits[next]?.behind == 0 && waits[next]?.startsIn == 30)
    #expect(waits[behind]?.reason == .order && waits[behind]?.behind == 1 && waits[behind]?.startsIn == 130)
    #expect(waits[follower]?.reason == .after && waits[follower]?.detail.contains(running) == true)
    try workers.pauseAll(.finish)
    #expect(try workers.waits(of: [next, behind, follower]).values.map(\.reason) == [.paused, .paused, .paused])
    #expect(try workers.wait(of: next)?.startsIn == nil)
    try store.close()
    let again = try Store(at: folder.url)
    #expect(try again.pause() == .finish)
    #expect(try again.claim() == nil)
  }
}
