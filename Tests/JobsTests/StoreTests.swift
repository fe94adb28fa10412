import JSON
import Foundation
import Robustness
import Testing
import Training

import Jobs

@Suite struct StoreTests {
  private func store(_ folder: TestFolder) throws -> Store { try Store(at: folder.url) }

  private func metrics(epoch: Int, loss: Double? = nil) throws -> TrainingMetrics {
    var all: JSONObject = ["epoch": .int(Int64(epoch)), "step": .int(Int64(epoch * 10)), "phase": "base", "learningRate": 0.5]
    all["loss"] = loss.map(JSONValue.number)
    return try JSONValue.object(all).decoded(as: TrainingMetrics.self)
  }

  @Test("a submitted job is queued, with its spec completed")
  func submit() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let job = try store.submit(Specs.parsed(Specs.smallest.setting("/labels/branch", to: "main").setting("/name", to: "first")))
    #expect(job.state == .queued)
    #expect(job.attempt == 1)
    #expect(job.transitions.map(\.state) == [.queued])
    #expect(job.spec["training"]?["epochs"] == 10)
    #expect(try store.job(job.id) == job)
    #expect(job.json()["labels"] == ["branch": "main"])
    #expect(job.json()["created_at"] == .string(job.createdAt.description))
  }

  @Test("every change of state that the table does not name is refused and changes nothing", arguments: JobState.allCases)
  func transitions(_ state: JobState) throws {
    let folder = try TestFolder()
    let store = try store(folder)
    for wanted in JobState.allCases {
      let job = try store.submit(Specs.parsed(Specs.smallest))
      for step in Self.way[state] ?? [] { try store.move(job.id, to: step) }
      let before = try store.job(job.id)
      if state.successors.contains(wanted) {
        #expect(try store.move(job.id, to: wanted).state == wanted)
      } else {
        let error = try #require(throws: IllegalTransition.self) { try store.move(job.id, to: wanted) }
        #expect(error.state == state)
        #expect(try store.job(job.id) == before)
      }
    }
  }

  /// How to come from queued to a state.
  private static let way: [JobState: [JobState]] = [
    .queued: [], .running: [.running], .pausing: [.running, .pausing], .paused: [.paused], .cancelling: [.running, .cancelling],
    .succeeded: [.running, .succeeded], .failed: [.running, .failed], .cancelled: [.cancelled],
  ]

  @Test("reports about a job that has ended change nothing")
  func finality() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    let ended = try store.move(id, to: .cancelled)
    try store.note(JobProgress(fraction: 0.5), of: id, event: true)
    try store.note(Warning(code: "late", detail: "Too late."), of: id)
    try store.note(metrics(epoch: 1), of: id)
    #expect(try store.job(id) == ended)
    #expect(try store.events(of: id).elements.last?.kind == .end)
    #expect(try store.metrics(of: id).points.isEmpty)
  }

  @Test("jobs are listed newest first, by state and label, page by page")
  func list() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let ids = try (0..<5).map { number in
      try store.submit(Specs.parsed(Specs.smallest.setting("/labels/n", to: .string(number % 2 == 0 ? "even" : "odd")))).id
    }
    try store.move(ids[0], to: .cancelled)
    #expect(try store.jobs().elements.map(\.id) == ids.reversed())
    #expect(try store.jobs(state: .cancelled).elements.map(\.id) == [ids[0]])
    #expect(try store.jobs(labels: ["n": "odd"]).elements.map(\.id) == [ids[3], ids[1]])
    let first = try store.jobs(limit: 2)
    #expect(first.elements.map(\.id) == [ids[4], ids[3]])
    #expect(first.hasMore)
    let last = try store.jobs(after: ids[2], limit: 2)
    #expect(last.elements.map(\.id) == [ids[1], ids[0]])
    #expect(!last.hasMore)
    #expect(try store.counts() == [.queued: 4, .cancelled: 1])
  }

  @Test("the queue goes by priority, then by submission")
  func queue() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let ids = try [0, 5, 0, 5].map { try store.submit(Specs.parsed(Specs.smallest.setting("/priority", to: .int(Int64($0))))).id }
    let claimed = try (0..<5).map { _ in try store.claim()?.id }
    #expect(claimed == [ids[1], ids[3], ids[0], ids[2], nil])
  }

  @Test("a job that does not fit beside those that run waits, and those behind it too")
  func memory() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let ids = try [60, 50, 10, 500].map { try store.submit(Specs.parsed(Specs.smallest), peakBytes: $0).id }
    #expect(try store.claim(within: 100)?.id == ids[0])
    #expect(try store.claim(within: 100) == nil)
    #expect(try store.claim(within: 110)?.id == ids[1])
    #expect(try store.claim(within: 110) == nil)
    for id in ids.prefix(2) { try store.move(id, to: .succeeded) }
    #expect(try store.claim(within: 100)?.id == ids[2])
    #expect(try store.claim(within: 100) == nil)
    try store.move(ids[2], to: .succeeded)
    // Alone it may run: the budget may have been larger when it was accepted.
    #expect(try store.claim(within: 100)?.id == ids[3])
  }

  @Test("only a job that has ended is deleted, with its files")
  func delete() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    let files = store.directory.job(id)
    try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
    #expect(throws: NotTerminal.self) { try store.delete(id) }
    try store.move(id, to: .cancelled)
    try store.delete(id)
    #expect(throws: NotFound.self) { try store.job(id) }
    #expect(throws: NotFound.self) { try store.events(of: id) }
    #expect(!FileManager.default.fileExists(atPath: files.path))
    #expect(throws: NotFound.self) { try store.delete(id) }
  }

  @Test("a data directory has one owner at a time")
  func lock() throws {
    let folder = try TestFolder()
    var first: Store? = try store(folder)
    _ = try first?.submit(Specs.parsed(Specs.smallest))
    let error = try #require(throws: DataDirectoryError.self) { try DataDirectory(folder.url) }
    #expect(error.description.contains("another process"))
    first = nil
    #expect(try store(folder).jobs().elements.count == 1)
  }

  @Test("files that the database does not name go at the next start")
  func orphans() throws {
    let folder = try TestFolder()
    var store: Store? = try store(folder)
    let directory = try #require(store?.directory)
    let kept = try #require(try store?.submit(Specs.parsed(Specs.smallest)).id)
    let orphan = directory.dataset(Identifier.dataset.make())
    let torn = directory.root.appendingPathComponent("incoming/half")
    for url in [orphan, torn, directory.job(kept)] { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    try Data([1]).write(to: directory.model(Identifier.model.make()))
    store = nil
    store = try Store(directory)
    #expect(!FileManager.default.fileExists(atPath: orphan.path))
    #expect(!FileManager.default.fileExists(atPath: torn.path))
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.root.appendingPathComponent("models").path).isEmpty)
    #expect(FileManager.default.fileExists(atPath: directory.job(kept).path))
  }

  @Test("after the end of the process jobs are settled: what ran is queued again, what was to stop has stopped")
  func recovery() throws {
    let folder = try TestFolder()
    var store: Store? = try store(folder)
    let states: [JobState] = [.running, .cancelling, .pausing, .queued, .succeeded]
    let ids = try states.map { state in
      let id = try #require(try store?.submit(Specs.parsed(Specs.smallest)).id)
      for step in Self.way[state] ?? [] { try store?.move(id, to: step) }
      return id
    }
    store = nil
    let next = try Store(at: folder.url)
    try next.recover()
    #expect(try ids.map { try next.job($0).state } == [.queued, .cancelled, .paused, .queued, .succeeded])
    let again = try next.job(ids[0])
    #expect(again.attempt == 2)
    #expect(again.transitions.map(\.state) == [.queued, .running, .queued])
    #expect(again.transitions.last?.reason?.contains("process ended") == true)
  }

  @Test("a job under which the process ends again and again fails, with the reason")
  func crashes() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    for _ in 0..<3 {
      _ = try store.claim()
      try store.recover()
      #expect(try store.job(id).state == .queued)
    }
    _ = try store.claim()
    try store.recover()
    let job = try store.job(id)
    #expect(job.state == .failed)
    #expect(job.reason?.contains("4 times") == true)
  }

  @Test("a job whose answer cannot be made is not submitted: both are one")
  func atomicity() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let key = IdempotencyKey(key: "k", route: "POST /v1/jobs", digest: "d")
    #expect(throws: NotFound.self) { try store.submit(Specs.parsed(Specs.smallest), key: key) { throw NotFound($0.id) } }
    #expect(try store.jobs().elements.isEmpty)
    #expect(try store.lookUp(key) == .unknown)
  }

  @Test("metrics are thinned evenly, first and last kept, and written as CSV")
  func metrics() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    for epoch in 1...11 {
      try store.note(metrics(epoch: epoch, loss: epoch == 3 ? .nan : 1), of: id)
    }
    #expect(try store.metrics(of: id, maxPoints: 3).points.map(\.epoch) == [1, 6, 11])
    #expect(try store.metrics(of: id, maxPoints: 1).points.map(\.epoch) == [11])
    #expect(try store.metrics(of: id, maxPoints: 50).points.count == 11)
    let lines = try store.metrics(of: id).csv.split(separator: "\r\n")
    #expect(lines[0] == "epoch,step,phase,learning_rate,loss")
    #expect(lines[3] == "3,30,base,0.5,NaN")
    #expect(try store.job(id).metrics["loss"] == 1)
    #expect(try store.events(of: id).elements.filter { $0.kind == .metric }.count == 11)
  }

  @Test("an epoch that is gone over again makes no second event")
  func repeated() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    let measured = try metrics(epoch: 1)
    try store.note(measured, of: id)
    try store.note(measured, of: id)
    #expect(try store.events(of: id).elements.filter { $0.kind == .metric }.count == 1)
  }

  @Test("a checkpoint keeps its id when a better one takes its role")
  func checkpoints() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    func checkpoint(_ role: CheckpointRole, _ epoch: Int) throws -> Checkpoint {
      let metrics: JSONValue = ["epoch": .int(Int64(epoch)), "step": 1, "phase": "retrain", "learningRate": 0.1]
      let all: JSONValue = [
        "role": .string(role.rawValue), "epoch": .int(Int64(epoch)), "metrics": metrics, "bytes": 8, "sha256": .string("\(epoch)"),
      ]
      return try all.decoded(as: Checkpoint.self)
    }
    try store.note(checkpoint(.bestRobust, 1), of: id)
    let first = try store.checkpoint("best_robust", of: id)
    try store.note(checkpoint(.bestRobust, 2), of: id)
    try store.note(checkpoint(.base, 1), of: id)
    #expect(try store.checkpoints(of: id).map(\.checkpoint.role) == [.base, .bestRobust])
    #expect(try store.checkpoint(first.id).checkpoint.sha256 == "2")
    #expect(throws: NotFound.self) { try store.checkpoint("last", of: id) }
  }
}
