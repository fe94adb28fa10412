import Dispatch
import Files
import Foundation
import JSON
import Robustness
import Synchronization
import TensorEngine
import Testing
import Training

import Jobs

/// Real jobs on the built-in digits, with the same store, engine and threads as in the service.
@Suite(.serialized) struct WorkersTests {
  /// Long enough to be stopped in its course, after some saved states.
  private static let severalSaves = Specs.quick.setting("/training/epochs", to: 60).setting("/training/attack/steps", to: 5)

  private struct House {
    let store: Store
    let registry: Registry
    let workers: Workers

    init(_ folder: TestFolder, count: Int = 1) throws { try self.init(at: folder.url, count: count) }

    init(at url: URL, count: Int = 1, lockSeconds: Double = LockPatience.usual) throws {
      store = try Store(DataDirectory(url), lockSeconds: lockSeconds)
      registry = Registry(store)
      workers = Workers(store: store, registry: registry, engine: Engine(threads: 2), count: count)
      try workers.start()
    }

    func submit(_ document: JSONValue) throws -> String {
      let id = try store.submit(SpecCheck(registry).accept(document).spec).id
      workers.wakeUp()
      return id
    }

    func state(_ id: String) throws -> JobState { try store.job(id).state }

    /// What `POST …/resume` does with a job that failed.
    func submitAgain(_ failed: String) throws -> String {
      guard
        case .created(let answer) = try store.submitAgain(
          failed, key: nil, answer: { StoredAnswer(status: 201, headers: [], body: Data($0.id.utf8)) })
      else { throw NotFound(failed) }
      workers.wakeUp()
      return String(decoding: answer.body, as: UTF8.self)
    }

    func report(_ id: String) throws -> Report { try Report(json: #require(try store.report(of: id))) }
  }

  @Test("a job trains, measures, keeps its checkpoints and leaves a report with its verdict")
  func run() async throws {
    let folder = try TestFolder()
    let house = try House(folder)
    defer { _ = house.workers.drain(within: 10) }
    let gates: JSONValue = [["metric": "clean_accuracy", "min": 0.0], ["metric": "robust_accuracy", "attack": "pgd", "min": 1.0]]
    let id = try house.submit(Specs.quick.setting("/gates", to: gates))
    #expect(try await eventually { try house.state(id).isTerminal })
    let job = try house.store.job(id)
    #expect(job.state == .succeeded, "\(job.reason ?? "")")
    #expect(job.progress.fraction == 1)
    #expect(job.transitions.map(\.state) == [.queued, .running, .succeeded])
    #expect(job.startedAt != nil && job.finishedAt != nil)
    #expect(job.metrics["loss"] != nil)
    #expect(try house.store.metrics(of: id).points.map(\.epoch) == [1, 2])
    let roles = try house.store.checkpoints(of: id).map(\.checkpoint.role)
    #expect(Set(roles) == Set(CheckpointRole.allCases).subtracting([.averaged]))
    for record in try house.store.checkpoints(of: id) {
      #expect(try house.store.open(record.sha256, of: record.id).size == record.checkpoint.bytes)
    }
    let report = try house.report(id)
    #expect(try JobSpec(reading: report.spec) == JobSpec(reading: job.spec))
    // No file is left that only a resumed job would need, but the end that another may go on from. They go behind the state.
    let folderOfJob = house.store.directory.job(id)
    #expect(try await eventually { Folder.names(in: folderOfJob).count == 1 })
    #expect(Folder.names(in: folderOfJob).allSatisfy { $0.hasSuffix(".state") })
    // The checkpoints, the report and the evidence.
    #expect(try await eventually { house.store.directory.files.all().count == roles.count + 2 })
    let evidence = try #require(try house.store.openEvidence(of: id))
    #expect(evidence.sha256 == job.evidence && evidence.file.size > 0)
    #expect(report.dataset.trainCount + report.dataset.validationCount == 200)
    #expect(report.dataset.evaluatedCount == 50)
    #expect(report.before != nil)
    #expect(report.gates.map(\.verdict).first == .pass)
    #expect(report.verdict == .fail || report.verdict == .inconclusive)
    let kinds = Set(try house.store.events(of: id).elements.map(\.kind))
    #expect(kinds.isSuperset(of: [.state, .metric, .checkpoint, .end]))
  }

  @Test("a checkpoint of a job can be evaluated by another, without training")
  func evaluate() async throws {
    let folder = try TestFolder()
    let house = try House(folder)
    defer { _ = house.workers.drain(within: 10) }
    let first = try house.submit(Specs.quick)
    #expect(try await eventually { try house.state(first).isTerminal })
    let checkpoint = try house.store.checkpoint("best_robust", of: first)
    let document = Specs.quick.setting("/training", to: nil).setting("/kind", to: "evaluate")
      .setting("/model/init", to: .string(checkpoint.id))
    let second = try house.submit(document)
    #expect(try await eventually { try house.state(second).isTerminal })
    #expect(try house.state(second) == .succeeded)
    let (trained, evaluated) = (try house.report(first), try house.report(second))
    #expect(evaluated.before == nil)
    #expect(evaluated.after.cleanAccuracy == trained.after.cleanAccuracy)
    #expect(evaluated.model.sha256 == checkpoint.checkpoint.sha256)
  }

  @Test("adversarial images are a data set that another job learns from, and stay when their job is deleted")
  func generate() async throws {
    let folder = try TestFolder()
    let house = try House(folder)
    defer { _ = house.workers.drain(within: 10) }
    let first = try house.submit(Specs.quick)
    #expect(try await eventually { try house.state(first).isTerminal })
    let document: JSONValue = [
      "name": "made", "kind": "generate", "dataset": ["id": "digits", "limit": 200],
      "model": ["architecture": "linear", "init": .string("\(first)/base")], "threat": ["norm": "linf", "epsilon": 0.1],
      "generation": ["attack": ["name": "fgsm"]],
    ]
    let second = try house.submit(document)
    #expect(try await eventually { try house.state(second).isTerminal })
    let job = try house.store.job(second)
    #expect(job.state == .succeeded, "\(job.reason ?? "")")
    #expect(job.progress.fraction == 1 && job.report == nil)
    let id = try #require(job.generated)
    let record = try house.registry.dataset(id)
    #expect(record.name == "made" && record.summary.train.count == 200)
    #expect(try house.registry.datasets().elements.map(\.id).contains(id))
    #expect(try house.store.openEvidence(of: second) != nil)
    // It goes behind the state.
    #expect(try await eventually { !FileManager.default.fileExists(atPath: house.store.directory.job(second).path) })
    try house.store.delete(second)
    let third = try house.submit(Specs.quick.setting("/dataset", to: ["id": .string(id)]))
    #expect(try await eventually { try house.state(third).isTerminal })
    #expect(try house.state(third) == .succeeded)
  }

  @Test("a result is compared with a baseline image by image, and a gate judges the difference")
  func baseline() async throws {
    let folder = try TestFolder()
    let house = try House(folder)
    defer { _ = house.workers.drain(within: 10) }
    let first = try house.submit(Specs.quick.setting("/labels", to: ["branch": "main"]))
    #expect(try await eventually { try house.state(first).isTerminal })
    let newest = try SpecCheck(house.registry).accept(Specs.quick.setting("/evaluation/baseline", to: ["label.branch": "main"])).spec
    #expect(try newest.evaluation.baseline == house.store.checkpoint("best_robust", of: first).id)
    let base = try house.store.checkpoint("base", of: first)
    let gates: JSONValue = [
      ["metric": "clean_accuracy", "against": "baseline", "min": -1], ["metric": "robust_accuracy", "against": "baseline", "min": -1],
    ]
    let document = Specs.quick.setting("/training", to: nil).setting("/kind", to: "evaluate")
      .setting("/model/init", to: .string("\(first)/best_robust")).setting("/evaluation/baseline", to: .string("\(first)/base"))
      .setting("/gates", to: gates)
    let second = try house.submit(document)
    #expect(try await eventually { try house.state(second).isTerminal })
    let (trained, report) = (try house.report(first), try house.report(second))
    // Names that may come to mean other weights stand for those that they meant when the job came.
    #expect(report.spec["evaluation"]?["baseline"]?.string == base.id)
    #expect(report.model.baseSHA256 == base.checkpoint.sha256)
    let comparison = try #require(report.comparison)
    let (before, after) = (try #require(report.before).cleanAccuracy, report.after.cleanAccuracy)
    #expect(comparison.cleanAccuracy.gained - comparison.cleanAccuracy.lost == after.correct - before.correct)
    #expect(comparison.cleanAccuracy.both + comparison.cleanAccuracy.gained == after.correct)
    #expect(comparison.attacks.map(\.label) == report.after.attacks.map(\.label))
    #expect(before == trained.before?.cleanAccuracy && after == trained.after.cleanAccuracy)
    // Three steps of PGD carry no verdict, and so no difference between two of them.
    #expect(report.gates.map(\.verdict) == [.pass, .inconclusive])
    #expect(trained.comparison == nil)
    #expect(report.dataset.evaluatedSHA256 == trained.dataset.evaluatedSHA256 && report.dataset.evaluatedSHA256?.count == 64)
  }

  @Test("no more jobs run at a time than there are workers, and the rest wait their turn")
  func bounded() async throws {
    let folder = try TestFolder()
    let house = try House(folder, count: 2)
    defer { _ = house.workers.drain(within: 10) }
    let ids = try (0..<3).map { _ in try house.submit(Specs.long) }
    #expect(try await eventually { try house.store.job(ids[1]).progress.fraction > 0 })
    #expect(try ids.map(house.state) == [.running, .running, .queued])
    #expect(try house.workers.cancel(ids[2]).state == .cancelled)
    _ = try house.workers.cancel(ids[0])
    _ = try house.workers.cancel(ids[1])
    #expect(try await eventually { try ids.map(house.state).allSatisfy { $0 == .cancelled } })
    #expect(house.workers.jobs.isEmpty)
  }

  @Test("a running job is cancelled by way of cancelling, and not twice")
  func cancel() async throws {
    let folder = try TestFolder()
    let house = try House(folder)
    defer { _ = house.workers.drain(within: 10) }
    let id = try house.submit(Specs.long)
    #expect(try await eventually { try house.store.job(id).progress.fraction > 0 })
    #expect(try house.workers.cancel(id).state == .cancelling)
    #expect(try await eventually { try house.state(id) == .cancelled })
    #expect(try house.store.job(id).transitions.map(\.state) == [.queued, .running, .cancelling, .cancelled])
    let error = try #require(throws: IllegalTransition.self) { try house.workers.cancel(id) }
    #expect(error.state == .cancelled)
    #expect(throws: NotFound.self) { try house.workers.cancel("job_x") }
  }

  @Test("a paused job goes on where it was, and ends as if it had never stopped")
  func pause() async throws {
    let folder = try TestFolder()
    let house = try House(folder)
    defer { _ = house.workers.drain(within: 10) }
    let document = Self.severalSaves
    let straight = try house.submit(document)
    #expect(try await eventually { try house.state(straight).isTerminal })
    let halting = try house.submit(document)
    #expect(try await eventually { try house.store.metrics(of: halting).points.count > 3 })
    #expect(try house.workers.pause(halting).state == .pausing)
    #expect(try await eventually { try house.state(halting) == .paused })
    #expect(throws: IllegalTransition.self) { try house.workers.pause(halting) }
    #expect(try house.workers.resume(halting).attempt == 2)
    #expect(try await eventually { try house.state(halting).isTerminal })
    #expect(try house.state(halting) == .succeeded)
    let sums = try [straight, halting].map { id in try house.store.checkpoints(of: id).map(\.checkpoint.sha256) }
    #expect(sums[0] == sums[1])
    #expect(try house.store.metrics(of: halting).points == house.store.metrics(of: straight).points)
  }

  @Test("of many who resume a paused job at once one does, and a running job never goes back to the queue by it")
  func resumeAtOnce() async throws {
    let folder = try TestFolder()
    let house = try House(folder, count: 2)
    defer { _ = house.workers.drain(within: 10) }
    let id = try house.submit(Specs.long)
    for _ in 0..<20 {
      #expect(try await eventually { try house.state(id) == .running })
      #expect(throws: IllegalTransition.self) { try house.workers.resume(id) }
      _ = try house.workers.pause(id)
      #expect(try await eventually { try house.state(id) == .paused })
      let resumed = Atomic(0)
      let workers = house.workers
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        if (try? workers.resume(id)) != nil { resumed.add(1, ordering: .relaxed) }
      }
      #expect(resumed.load(ordering: .relaxed) == 1)
    }
    let states = try house.store.job(id).transitions.map(\.state)
    #expect(!zip(states, states.dropFirst()).contains { $0 == .running && $1 == .queued })
    _ = try house.workers.cancel(id)
    #expect(try await eventually { try house.state(id) == .cancelled })
  }

  @Test("a drained job goes back to the queue, and the next process ends it")
  func drain() async throws {
    let folder = try TestFolder()
    let document = Self.severalSaves
    let id: String
    do {
      let house = try House(folder)
      id = try house.submit(document)
      #expect(try await eventually { try house.store.metrics(of: id).points.count > 3 })
      #expect(house.workers.drain(within: 20))
      #expect(try house.state(id) == .queued)
      try house.store.close()
    }
    let next = try House(folder)
    defer { _ = next.workers.drain(within: 10) }
    #expect(try await eventually { try next.state(id).isTerminal })
    let job = try next.store.job(id)
    #expect(job.state == .succeeded, "\(job.reason ?? "")")
    #expect(job.attempt == 2)
    #expect(try next.store.metrics(of: id).points.map(\.epoch) == Array(1...61))
  }

  @Test("a job that diverges fails with a sentence, and the next one runs")
  func failure() async throws {
    let folder = try TestFolder()
    let house = try House(folder)
    defer { _ = house.workers.drain(within: 10) }
    let wild = Specs.quick.setting("/training/optimizer", to: ["learning_rate": 1_000, "weight_decay": 1]).setting(
      "/training/epochs", to: 200
    )
    .setting("/training/schedule", to: ["name": "constant"])
    let (bad, good) = (try house.submit(wild), try house.submit(Specs.quick))
    #expect(try await eventually { try house.state(good).isTerminal })
    let job = try house.store.job(bad)
    #expect(job.state == .failed)
    #expect(job.reason?.contains("diverged") == true)
    #expect(job.reason?.contains(folder.url.path) == false)
    #expect(try house.state(good) == .succeeded)
  }

  @Test("a job that takes longer than it may fails")
  func outOfTime() async throws {
    let folder = try TestFolder()
    let house = try House(folder)
    defer { _ = house.workers.drain(within: 10) }
    let id = try house.submit(Specs.long.setting("/resources/max_seconds", to: 0.2))
    #expect(try await eventually { try house.state(id).isTerminal })
    #expect(try house.state(id) == .failed)
    #expect(try house.store.job(id).reason?.contains("max_seconds") == true)
  }

  @Test("of a job that failed a new one goes on where it was, and ends in the bits of one that never failed")
  func resumeFailed() async throws {
    let folder = try TestFolder()
    let house = try House(folder)
    defer { _ = house.workers.drain(within: 10) }
    let document = Self.severalSaves
    let straight = try house.submit(document)
    #expect(try await eventually { try house.state(straight).isTerminal })
    // As after crashes: it was saved in the middle, and is not tried again.
    let failed = try house.submit(document)
    #expect(try await eventually { try house.store.metrics(of: failed).points.count > 10 })
    _ = try house.workers.pause(failed)
    #expect(try await eventually { try house.state(failed) == .paused })
    #expect(throws: IllegalTransition.self) { try house.submitAgain(failed) }
    for state in [JobState.queued, .running, .failed] { try house.store.move(failed, to: state, reason: "As after crashes.") }
    let before = try house.store.job(failed)
    let again = try house.submitAgain(failed)
    #expect(try await eventually { try house.state(again).isTerminal })
    let job = try house.store.job(again)
    #expect(job.state == .succeeded, "\(job.reason ?? "")")
    #expect(job.resumedFrom == failed)
    #expect(job.transitions.first?.reason == "it goes on from the last saved state of \(failed)")
    #expect(try job.spec == before.spec)
    #expect(try house.store.job(failed) == before)
    let sums = try [straight, again].map { id in try house.store.checkpoints(of: id).map(\.sha256) }
    #expect(sums[0] == sums[1])
    #expect(try house.store.metrics(of: again).points == house.store.metrics(of: straight).points)
    #expect(try house.report(again).after.cleanAccuracy == house.report(straight).after.cleanAccuracy)
    // It did not start from the beginning: its first progress is beyond the first epochs.
    #expect(try house.store.events(of: again).elements.filter { $0.kind == .metric }.count < 51)
  }

  @Test("a job that failed before anything was saved begins anew as another, which says so")
  func resumeWithoutState() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let failed = try store.submit(Specs.parsed(Specs.quick)).id
    for state in [JobState.running, .failed] { try store.move(failed, to: state, reason: "As after crashes.") }
    let answer = try store.submitAgain(failed, key: nil) { StoredAnswer(status: 201, headers: [], body: Data($0.id.utf8)) }
    guard case .created(let made) = answer else { throw NotFound(failed) }
    let job = try store.job(String(decoding: made.body, as: UTF8.self))
    #expect(job.transitions.map(\.reason) == ["\(failed) left no saved state: it begins anew"])
  }

  @Test("a job whose data directory is away for a while waits, says so, and ends in the same bits")
  func directoryAway() async throws {
    let folder = try TestFolder()
    let data = folder.url.appendingPathComponent("data")
    let house = try House(at: data)
    let (store, workers) = (house.store, house.workers)
    defer { _ = workers.drain(within: 10) }
    let (straight, interrupted) = (try house.submit(Self.severalSaves), try house.submit(Self.severalSaves))
    #expect(try await eventually { try store.job(interrupted).state == .running })
    let away = folder.url.appendingPathComponent("away")
    try FileManager.default.moveItem(at: data, to: away)
    #expect(try await eventually { try store.job(interrupted).warnings.contains { $0.code == "storage_gone" } })
    #expect(throws: StorageError.self) { try house.submit(Self.severalSaves) }
    try FileManager.default.moveItem(at: away, to: data)
    #expect(try await eventually { try store.job(interrupted).state.isTerminal })
    let job = try store.job(interrupted)
    #expect(job.state == .succeeded, "\(job.reason ?? "")")
    #expect(try store.checkpoints(of: interrupted).map(\.sha256) == store.checkpoints(of: straight).map(\.sha256))
  }

  @Test(
    "while a file is in the place of a folder the running job waits and says so, and no other job begins", arguments: ["files", "incoming"])
  func fileInPlaceOfFolder(_ name: String) async throws {
    let folder = try TestFolder()
    let house = try House(folder)
    let store = house.store
    defer { _ = house.workers.drain(within: 10) }
    let running = try house.submit(Self.severalSaves)
    #expect(try await eventually { try house.state(running) == .running })
    let (place, away) = (folder.url.appendingPathComponent(name), folder.url.appendingPathComponent("lost+found.\(name)"))
    try FileManager.default.moveItem(at: place, to: away)
    try Data().write(to: place)
    let codes = ["storage_gone", "storage_not_writable"]
    #expect(try await eventually { try store.job(running).warnings.contains { codes.contains($0.code) } })
    #expect(throws: StorageError.self) { try store.requireRoom() }
    #expect(throws: StorageError.self) { try store.requireWritable() }
    #expect(try house.state(running) == .running)
    try FileManager.default.removeItem(at: place)
    try FileManager.default.moveItem(at: away, to: place)
    try store.requireWritable()
    #expect(try await eventually { try house.state(running).isTerminal })
    let job = try store.job(running)
    #expect(job.state == .succeeded, "\(job.reason ?? "")")
  }

  @Test("a job whose own folder cannot be used waits and says so, and other jobs go on in the other workers")
  func ownFolder() async throws {
    let folder = try TestFolder()
    let house = try House(folder, count: 2)
    let store = house.store
    defer { _ = house.workers.drain(within: 10) }
    let waiting = try house.submit(Self.severalSaves)
    let (place, away) = (store.directory.job(waiting), folder.url.appendingPathComponent("lost+found.job"))
    #expect(try await eventually { FileManager.default.fileExists(atPath: place.path) })
    try FileManager.default.moveItem(at: place, to: away)
    try Data().write(to: place)
    #expect(try await eventually { try store.job(waiting).warnings.contains { $0.code == "storage_not_writable" } })
    // The service as a whole can store what it wants to.
    try store.requireWritable()
    let other = try house.submit(Specs.quick)
    #expect(try await eventually { try house.state(other).isTerminal })
    #expect(try house.state(other) == .succeeded && house.state(waiting) == .running)
    try FileManager.default.removeItem(at: place)
    try FileManager.default.moveItem(at: away, to: place)
    #expect(try await eventually { try house.state(waiting).isTerminal })
    let job = try store.job(waiting)
    #expect(job.state == .succeeded, "\(job.reason ?? "")")
  }

  @Test("while another process holds the lock of the database the running job waits and says so, and then ends as it would have")
  func lockedDatabase() async throws {
    let folder = try TestFolder()
    let house = try House(at: folder.url, lockSeconds: 0.05)
    let store = house.store
    defer { _ = house.workers.drain(within: 10) }
    let running = try house.submit(Self.severalSaves)
    #expect(try await eventually { try store.metrics(of: running).points.count > 2 })
    let lock = try ForeignLock(in: folder.url)
    #expect(try await eventually { try store.job(running).warnings.contains { $0.code == "database_locked" } })
    #expect(throws: StorageError.self) { try store.requireWritable() }
    #expect(try house.state(running) == .running)
    try lock.giveUp()
    #expect(try await eventually { try house.state(running).isTerminal })
    let job = try store.job(running)
    #expect(job.state == .succeeded, "\(job.reason ?? "")")
    #expect(job.warnings.map(\.code).filter { $0 == "database_locked" }.count == 1)
    #expect(try store.metrics(of: running).points.map(\.epoch) == Array(1...61))
  }

  @Test("a queue whose folders cannot be used begins no job until they can")
  func queueWaitsForFolders() async throws {
    let folder = try TestFolder()
    let house = try House(folder)
    defer { _ = house.workers.drain(within: 10) }
    let (place, away) = (folder.url.appendingPathComponent("jobs"), folder.url.appendingPathComponent("lost+found.jobs"))
    try FileManager.default.moveItem(at: place, to: away)
    try Data().write(to: place)
    let id = try house.submit(Specs.quick)
    try await Task.sleep(for: .seconds(1.5))
    #expect(try house.state(id) == .queued)
    try FileManager.default.removeItem(at: place)
    try FileManager.default.moveItem(at: away, to: place)
    #expect(try await eventually { try house.state(id).isTerminal })
    #expect(try house.state(id) == .succeeded)
  }

  @Test("a job whose saved state went while it was paused begins anew, says so, and ends in the same bits")
  func stateGone() async throws {
    let folder = try TestFolder()
    let house = try House(folder)
    let (store, workers) = (house.store, house.workers)
    defer { _ = workers.drain(within: 10) }
    let (straight, interrupted) = (try house.submit(Self.severalSaves), try house.submit(Self.severalSaves))
    #expect(try await eventually { try store.metrics(of: interrupted).points.count > 3 })
    _ = try workers.pause(interrupted)
    #expect(try await eventually { try store.job(interrupted).state == .paused })
    #expect(try store.job(interrupted).progress.savedStep ?? 0 > 0)
    Folder.remove(store.directory.job(interrupted))
    _ = try workers.resume(interrupted)
    #expect(try await eventually { try store.job(interrupted).state.isTerminal })
    let job = try store.job(interrupted)
    #expect(job.state == .succeeded, "\(job.reason ?? "")")
    #expect(job.warnings.contains { $0.code == "saved_state_damaged" })
    #expect(try store.checkpoints(of: interrupted).map(\.sha256) == store.checkpoints(of: straight).map(\.sha256))
  }
}
