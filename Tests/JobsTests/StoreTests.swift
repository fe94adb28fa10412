import JSON
import Foundation
import Robustness
import Synchronization
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
    #expect(try job.spec["training"]?["epochs"] == 10)
    #expect(try store.job(job.id) == job)
    let shown = try JSONValue(parsing: job.text())
    #expect(shown["labels"] == ["branch": "main"])
    #expect(shown["owner"] == "local")
    #expect(shown["created_at"] == .string(job.createdAt.description))
    #expect(try shown["spec"] == job.spec)
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

  /// The states on the way from queued to a state.
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
    store.show(JobProgress(fraction: 0.5), of: id)
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
    #expect(try store.jobs().elements.map(\.job.id) == ids.reversed())
    #expect(try store.jobs(state: .cancelled).elements.map(\.job.id) == [ids[0]])
    #expect(try store.jobs(labels: ["n": "odd"]).elements.map(\.job.id) == [ids[3], ids[1]])
    let first = try store.jobs(limit: 2)
    #expect(first.elements.map(\.job.id) == [ids[4], ids[3]])
    #expect(first.hasMore)
    let last = try store.jobs(after: ids[2], limit: 2)
    #expect(last.elements.map(\.job.id) == [ids[1], ids[0]])
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

  @Test("a condition is asked when no other change can come between: of many changes that ask for one state, one is made")
  func conditions() async throws {
    let folder = try TestFolder()
    let store = try store(folder)
    for _ in 0..<10 {
      let id = try store.submit(Specs.parsed(Specs.smallest)).id
      let known = try store.snapshot(of: id).job.revision
      let made = await withTaskGroup(of: Int.self) { group in
        for wanted in [JobState.paused, .cancelled, .paused, .cancelled] {
          group.addTask {
            let job = try? store.requestStop(id, to: wanted) {
              guard try store.snapshot(of: id).job.revision == known else { throw OtherState() }
            }
            return job == nil ? 0 : 1
          }
        }
        return await group.reduce(0, +)
      }
      #expect(made == 1)
    }
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    #expect(throws: OtherState.self) { try store.delete(id) { throw OtherState() } }
    #expect(try store.job(id).state == .queued)
  }

  private struct OtherState: Error {}

  @Test("a job whose checkpoint another job needs is not deleted, and the refusal names both")
  func deleteInUse() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    let file = try store.directory.files.write { try $0.append(Data("weights".utf8)) }
    try store.note(.made(.last, sha256: file.sha256), of: id)
    try store.move(id, to: .cancelled)
    let checkpoint = try #require(try store.checkpoints(of: id).first).id
    let other = try store.submit(Specs.parsed(Specs.smallest.setting("/model/init", to: .string(checkpoint)))).id
    let error = try #require(throws: InUse.self) { try store.delete(id) }
    #expect(error.description == "\(checkpoint), a checkpoint of \(id), is in use by \(other); wait until it has ended, or cancel it")
    try store.move(other, to: .cancelled)
    try store.delete(id)
    #expect(throws: NotFound.self) { try store.job(id) }
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

  @Test("what the database does not name is set aside at the next start, and told of; what has another form stays")
  func orphans() throws {
    let folder = try TestFolder()
    var store: Store? = try store(folder)
    let root = folder.url
    let kept = try #require(try store?.submit(Specs.parsed(Specs.smallest)).id)
    let orphan = try #require(try store?.directory.files.write { try $0.append(Data("mine".utf8)) }).sha256
    let (lone, half, notes) = (Identifier.job.make(), "upload-\(UUID().uuidString)", "notes")
    for name in ["jobs/\(kept)", "jobs/\(lone)", "jobs/\(notes)", "incoming/\(half)", "incoming/\(notes)"] {
      try FileManager.default.createDirectory(at: root.appendingPathComponent(name), withIntermediateDirectories: true)
    }
    store = nil
    let told = Mutex<Set<String>>([])
    store = try Store(DataDirectory(root) { name, _ in told.withLock { _ = $0.insert(name) } })
    #expect(told.withLock { $0 } == [orphan, lone])
    // An upload that had not ended was acknowledged to nobody.
    #expect(!FileManager.default.fileExists(atPath: root.appendingPathComponent("incoming/\(half)").path))
    let lost = try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent("lost+found").path)
    #expect(lost.count == 2)
    let whole = try #require(lost.first { $0.hasPrefix(orphan) })
    #expect(try Data(contentsOf: root.appendingPathComponent("lost+found/\(whole)")) == Data("mine".utf8))
    for name in ["jobs/\(kept)", "jobs/\(notes)", "incoming/\(notes)"] {
      #expect(FileManager.default.fileExists(atPath: root.appendingPathComponent(name).path), "\(name)")
    }
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

  @Test("a job under which the process ends again and again without any progress of it fails, with the reason")
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

  @Test("a job that has saved more since the last crash is tried again for ever")
  func advancing() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    for attempt in 1...12 {
      _ = try store.claim()
      // Every third crash finds the job where it was.
      let position = attempt / 3
      try store.recover { _ in Store.SavedPoint(step: position * 10, position: position, savedAt: .now) }
      #expect(try store.job(id).state == .queued)
      #expect(try store.job(id).progress.savedStep == position * 10)
    }
  }

  @Test("an ordered stop that came too late for a job is no crash of it")
  func orderedStop() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    for _ in 0..<10 {
      _ = try store.claim()
      try store.noteOrderedStop()
      try store.recover()
      #expect(try store.job(id).state == .queued)
    }
  }

  @Test("the time during which the process was gone does not count as time that a job ran")
  func timeAway() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let start = Timestamp(milliseconds: 1_700_000_000_000)
    let id = try store.submit(Specs.parsed(Specs.smallest), at: start).id
    _ = try store.claim(at: start)
    let saved = Store.SavedPoint(step: 5, position: 5, savedAt: start.advanced(bySeconds: 7))
    try store.recover(at: start.advanced(bySeconds: 86_400)) { _ in saved }
    #expect(try store.job(id).secondsRun == 7)
    _ = try store.claim(at: start.advanced(bySeconds: 86_400))
    try store.settle(id, Store.Ending(.succeeded, seconds: 3), at: start.advanced(bySeconds: 86_403))
    #expect(try store.job(id).secondsRun == 10)
  }

  @Test("ids go on behind the greatest that there is, also when the clock was set back")
  func clockSetBack() throws {
    let folder = try TestFolder()
    var store: Store? = try store(folder)
    let late = try #require(try store?.submit(Specs.parsed(Specs.smallest), at: Timestamp.now.advanced(bySeconds: 1e6)).id)
    store = nil
    store = try Store(at: folder.url)
    #expect(try #require(try store?.submit(Specs.parsed(Specs.smallest)).id) > late)
  }

  @Test("a job whose answer cannot be made is not submitted: both are one")
  func atomicity() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let key = IdempotencyKey(key: "k", route: "POST /v1/jobs", digest: "d")
    #expect(throws: NotFound.self) { try store.submit(Specs.parsed(Specs.smallest), key: key) { throw NotFound($0.id) } }
    #expect(try store.jobs().elements.isEmpty)
    #expect(try store.lookUp(key) == nil)
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

  @Test("the history of a long job is thinned: the first and the latest stay, and no more than so many are kept")
  func thinned() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    let epochs = Store.mostHistory + 50
    for epoch in 1...epochs { try store.note(metrics(epoch: epoch), of: id) }
    let kept = try store.metrics(of: id).points.map(\.epoch)
    #expect(kept.count <= Store.mostHistory)
    #expect(kept.first == 1)
    #expect(kept.suffix(1_000) == Array(epochs - 999...epochs)[...])
    #expect(try store.metrics(of: id).missing == epochs - kept.count)
    #expect(try store.metrics(of: id, maxPoints: 10).missing == epochs - kept.count)
    var (events, last) = ([JobEvent](), 0)
    while case let page = try store.events(of: id, after: last), let event = page.elements.last {
      events += page.elements
      last = event.number
    }
    let measured = events.filter { $0.kind == .metric }.count
    #expect(measured <= Store.mostHistory)
    // Whoever goes on from before the gap is told of it, whoever has all up to it is not.
    let gaps = events.filter { $0.kind == .thinned }
    #expect(gaps.map { $0.data["removed"]?.double } == [Double(epochs - measured)])
    let end = try #require(gaps.first?.number)
    #expect(try store.events(of: id, after: end - 1).elements.first?.kind == .thinned)
    #expect(try store.events(of: id, after: end).elements.first?.kind == .metric)
  }

  @Test("checkpoints do not take the place of metrics among the events that are kept")
  func thinnedApart() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    let half = Store.mostHistory / 2 + 10
    for epoch in 1...half {
      try store.note(metrics(epoch: epoch), of: id)
      try store.note(.made(.last, epoch: epoch, sha256: String(format: "%064x", epoch)), of: id)
    }
    var (events, last) = ([JobEvent](), 0)
    while case let page = try store.events(of: id, after: last), let event = page.elements.last {
      events += page.elements
      last = event.number
    }
    #expect(events.filter { $0.kind == .metric }.count == half)
    #expect(events.filter { $0.kind == .checkpoint }.count == half)
  }

  @Test("transitions of a job that is stopped and started for ever are thinned, the first ones stay")
  func manyTransitions() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    for _ in 0..<150 {
      try store.move(id, to: .paused)
      try store.move(id, to: .queued)
    }
    let job = try store.job(id)
    #expect(job.transitions.count <= Store.mostTransitions + 1)
    #expect(job.transitions.prefix(3).map(\.state) == [.queued, .paused, .queued])
    // It never ran, so it is in its first attempt still.
    #expect(job.attempt == 1)
  }

  @Test("a checkpoint's id names one file for ever: a better one that takes its role is another")
  func checkpoints() throws {
    let folder = try TestFolder()
    let store = try store(folder)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    func checkpoint(_ role: CheckpointRole, _ epoch: Int) throws -> Checkpoint { try .made(role, epoch: epoch, sha256: "\(epoch)") }
    try store.note(checkpoint(.bestRobust, 1), of: id)
    let first = try store.checkpoint("best_robust", of: id)
    #expect(try store.note(checkpoint(.bestRobust, 1), of: id) == nil)
    #expect(try store.checkpoint("best_robust", of: id) == first)
    #expect(try store.note(checkpoint(.bestRobust, 2), of: id) == first.sha256)
    try store.note(checkpoint(.base, 1), of: id)
    #expect(try store.checkpoints(of: id).map(\.checkpoint.role) == [.base, .bestRobust])
    #expect(throws: NotFound.self) { try store.checkpoint(first.id) }
    #expect(throws: NotFound.self) { try store.checkpoint("last", of: id) }
    // A checkpoint that another job will start from stays.
    let second = try store.checkpoint("best_robust", of: id)
    try store.submit(Specs.parsed(Specs.smallest.setting("/model/init", to: .string(second.id))))
    #expect(try store.note(checkpoint(.bestRobust, 3), of: id) == nil)
    #expect(try store.checkpoint(second.id) == second)
    #expect(try store.checkpoint("best_robust", of: id).checkpoint.epoch == 3)
  }

  @Test("a checkpoint that comes behind a later one of its role leaves no file without a name")
  func lateCheckpoint() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    func put(_ epoch: Int, _ text: String) throws {
      let file = try store.directory.files.write { try $0.append(Data(text.utf8)) }
      try store.note(.made(.last, epoch: epoch, sha256: file.sha256), of: id)
    }
    try put(7, "seven")
    try put(2, "two")
    #expect(try store.checkpoint("last", of: id).checkpoint.epoch == 7)
    try store.move(id, to: .cancelled)
    let last = try store.checkpoint("last", of: id).sha256
    try store.close()
    let next = try Store(at: folder.url)
    #expect(next.directory.files.all() == [last])
  }
}
