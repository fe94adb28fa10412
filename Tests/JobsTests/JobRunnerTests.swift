import Files
import Foundation
import Glibc
import JSON
import Jobs
import Robustness
import Synchronization
import TensorEngine
import Testing
import Training

@Suite("A job that is interrupted")
struct JobRunnerTests {
  private static let engine = Engine(threads: 2)

  /// A job whose evaluation has many shards.
  private let document = Specs.quick.setting("/evaluation/samples", to: 200).setting("/evaluation/curve", to: [0, 0.05, 0.2])

  /// - Parameter certify: what is proved beside the attacks.
  private func runner(_ folder: TestFolder, certify: JSONValue = .null) -> (JobRunner, JobSpec) {
    let catalogue = LocalCatalogue(folder: folder.url)
    let document = document.setting("/evaluation/certify", to: certify)
    guard let spec = try? SpecCheck(catalogue).accept(document, origin: .commandLine).spec else { preconditionFailure("a spec that runs") }
    return (JobRunner(engine: Self.engine, catalogue: catalogue), spec)
  }

  /// The parts that do not depend on the clock.
  private func facts(_ report: Report) -> Report {
    func timeless(_ evaluation: Evaluation) -> Evaluation {
      var evaluation = evaluation
      evaluation.seconds = 0
      for index in evaluation.attacks.indices { evaluation.attacks[index].seconds = 0 }
      evaluation.certificate?.seconds = 0
      return evaluation
    }
    var report = report
    report.seconds = [:]
    report.before = report.before.map(timeless)
    report.after = timeless(report.after)
    return report
  }

  private func checkpoints(in directory: URL) throws -> [String: String] {
    let folder = directory.appendingPathComponent("checkpoints")
    return try Dictionary(
      uniqueKeysWithValues: Folder.names(in: folder).map { ($0, try SHA256Digest.hex(ofFile: folder.appendingPathComponent($0))) })
  }

  /// Pauses the run as soon as the saved position is `positions` further than at the start.
  private func pausing(after positions: Int, from start: Int) -> (RunSink, RunControl) {
    let control = RunControl()
    return (RunSink(saved: { if $0.position >= start + positions { control.stop(.pause) } }), control)
  }

  @Test(
    "again and again, wherever it stands, ends with the same report and the same checkpoints",
    arguments: [
      (1, .null), (3, .null), (1, ["method": "ibp"]), (1, ["method": "smoothing", "n0": 5, "n": 40, "radii": [0.01, 0.1]]),
    ] as [(Int, JSONValue)])
  func interrupted(_ positions: Int, _ certify: JSONValue) throws {
    let (folder, broken) = (try TestFolder(), try TestFolder())
    let (runner, spec) = runner(folder, certify: certify)
    let whole = try runner.run(spec, in: folder.url)
    var (attempts, report): (Int, Report?) = (0, nil)
    while report == nil, attempts < 300 {
      attempts += 1
      let start = JobRunner.savedState(in: broken.url)
      let (sink, control) = pausing(after: positions, from: start?.position ?? 0)
      do {
        report = try runner.run(spec, in: broken.url, resume: true, saveInterval: 0, sink: sink, control: control)
      } catch Interruption.pause {
        let saved = try #require(JobRunner.savedState(in: broken.url))
        #expect(saved.position >= (start?.position ?? 0) + 1)
      }
    }
    // What training saves at its end comes before the evaluation asks whether it may begin.
    #expect(attempts > 1)
    #expect(facts(try #require(report)) == facts(whole))
    #expect((whole.after.certificate == nil) == (certify == .null))
    #expect(try checkpoints(in: broken.url) == checkpoints(in: folder.url))
  }

  @Test("when it is over is over: nothing is trained or judged again, and what was saved is removed by whoever keeps the report")
  func over() throws {
    let folder = try TestFolder()
    let (runner, spec) = runner(folder)
    let whole = try runner.run(spec, in: folder.url, saveInterval: 0)
    let end = try #require(JobRunner.savedState(in: folder.url))
    let control = RunControl()
    // From now on whoever asks whether to go on is told to stop.
    let again = try runner.run(spec, in: folder.url, resume: true, sink: RunSink(saved: { _ in control.stop(.pause) }), control: control)
    #expect(facts(again) == facts(whole))
    #expect(JobRunner.savedState(in: folder.url) == end)
    JobRunner.removeState(in: folder.url)
    #expect(Folder.names(in: folder.url) == ["checkpoints", "evidence.tar"])
  }

  @Test("begins its evaluation anew when what was saved of it is damaged, and says so", arguments: [0, 100, -3, nil])
  func damaged(_ place: Int?) throws {
    let folder = try TestFolder()
    let (runner, spec) = runner(folder)
    let whole = try runner.run(spec, in: folder.url, saveInterval: 0)
    let file = folder.url.appendingPathComponent("evaluation.state")
    var data = try Data(contentsOf: file)
    if let place { data[place < 0 ? data.count + place : place] ^= 1 } else { data = data.dropLast(80) }
    try data.write(to: file)
    let told = Mutex<[Warning]>([])
    let aside = Mutex<[String]>([])
    let report = try runner.run(
      spec, in: folder.url, resume: true, sink: RunSink(warning: { warning in told.withLock { $0.append(warning) } }),
      setAside: { url, _ in aside.withLock { $0.append(url.lastPathComponent) } })
    #expect(aside.withLock { $0 } == ["evaluation.state"])
    #expect(told.withLock { $0.filter { $0.code == "saved_state_damaged" }.count } == 1)
    var facts = facts(report)
    facts.warnings.removeAll { $0.code == "saved_state_damaged" }
    #expect(facts == self.facts(whole))
  }

  @Test("goes on from a saved evaluation that could for a while neither be opened nor moved out of the way")
  func forbiddenForAWhile() throws {
    let folder = try TestFolder()
    let (runner, spec) = runner(folder)
    let whole = try runner.run(spec, in: folder.url, saveInterval: 0)
    // As in a folder without rights, which do not bind a test that runs as root: a link to itself cannot be opened.
    let file = folder.url.appendingPathComponent("evaluation.state")
    let away = folder.url.appendingPathComponent("away")
    try FileManager.default.moveItem(at: file, to: away)
    try FileManager.default.createSymbolicLink(at: file, withDestinationURL: file)
    let told = Mutex<[Warning]>([])
    let report = try runner.run(
      spec, in: folder.url, resume: true, sink: RunSink(warning: { warning in told.withLock { $0.append(warning) } }),
      setAside: { _, _ in throw StorageError("evaluation.state cannot be put into its place", errno: EACCES) },
      waitForRoom: { _ in
        unlink(file.path)
        try FileManager.default.moveItem(at: away, to: file)
      })
    #expect(!told.withLock { $0.contains { $0.code == "saved_state_damaged" } })
    #expect(facts(report) == facts(whole))
  }

  @Test("an evaluation waits on the thread of its job while there is no room, and then ends with the same report")
  func noRoomForAWhile() throws {
    let (folder, full) = (try TestFolder(), try TestFolder())
    let (runner, spec) = runner(folder)
    let whole = try runner.run(spec, in: folder.url)
    let asked = Mutex(0)
    let waited = Mutex<[Int32]>([])
    let thread = pthread_self()
    let report = try runner.run(
      spec, in: full.url,
      requireRoom: {
        let number = asked.withLock { asked in
          asked += 1
          return asked
        }
        if number == 40 { throw StorageError("the reserve is reached", errno: ENOSPC) }
      },
      waitForRoom: { error in
        #expect(pthread_equal(thread, pthread_self()) != 0)
        waited.withLock { $0.append(error.code) }
      })
    #expect(waited.withLock { $0 } == [ENOSPC])
    #expect(facts(report) == facts(whole))
  }

  @Test("says so when the latest saved state that is known of is missing, and ends with the same report", arguments: [true, false])
  func missing(_ isLast: Bool) throws {
    let (folder, broken) = (try TestFolder(), try TestFolder())
    let (runner, spec) = runner(folder)
    let whole = try runner.run(spec, in: folder.url)
    let (sink, control) = pausing(after: 3, from: 0)
    #expect(throws: Interruption.pause) { try runner.run(spec, in: broken.url, saveInterval: 0, sink: sink, control: control) }
    let found = try #require(JobRunner.savedState(in: broken.url)).step
    // Where an earlier one is left, a later one is known of.
    if isLast { JobRunner.removeState(in: broken.url) }
    let known = isLast ? found : found + 1
    try #require(known > 0)
    let told = Mutex<[Warning]>([])
    let report = try runner.run(
      spec, in: broken.url, resume: true, knownStep: known, sink: RunSink(warning: { warning in told.withLock { $0.append(warning) } }))
    let missing = told.withLock { $0.filter { $0.code == "saved_state_damaged" } }
    #expect(missing.count == 1)
    #expect(missing.first?.detail.contains("after \(known) updates is missing") == true)
    #expect(missing.first?.detail.contains(isLast ? "begins anew" : "goes on from an earlier one, after \(found) updates") == true)
    var facts = facts(report)
    facts.warnings.removeAll { $0.code == "saved_state_damaged" }
    #expect(facts == self.facts(whole))
  }

  @Test("leaves nothing of an earlier run behind when it begins anew")
  func anew() throws {
    let folder = try TestFolder()
    let (runner, spec) = runner(folder)
    let whole = try runner.run(spec, in: folder.url, saveInterval: 0)
    let directory = folder.url
    let states = Mutex<[String]>([])
    let sink = RunSink(metrics: { _ in states.withLock { $0 += Folder.names(in: directory) } })
    #expect(facts(try runner.run(spec, in: directory, saveInterval: 3600, sink: sink)) == facts(whole))
    #expect(!states.withLock { $0.contains("evaluation.state") })
  }
}
