import Files
import Foundation
import Glibc
import Robustness
import Synchronization
import Testing
import Training

@Suite("Resuming")
struct ResumeTests {
  private static let names = ["resume.a.state", "resume.b.state"]

  /// A run that was stopped after two states at least were saved.
  private func stopped(after questions: Int = 20) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.saveInterval = 0
    let interruption = Interruption(after: questions)
    #expect(throws: Interruption.Stopped.self) { try run.run { try interruption.ask() } }
    return run
  }

  private func change(_ name: String, of run: TemporaryRun, _ change: (inout Data) -> Void) throws {
    let file = run.directory.appendingPathComponent(name)
    var data = try Data(contentsOf: file)
    change(&data)
    try data.write(to: file)
  }

  /// The file of the newest state.
  private func newest(of run: TemporaryRun) throws -> String {
    let generations = try Self.names.map { name in
      let data = try Data(contentsOf: run.directory.appendingPathComponent(name))
      let length = data[8..<16].reversed().reduce(0) { $0 << 8 | Int($1) }
      let header = try JSONSerialization.jsonObject(with: data[16..<16 + length]) as? [String: Any]
      return try #require(header?["generation"] as? Int)
    }
    #expect(abs(generations[0] - generations[1]) == 1)
    return Self.names[generations[0] > generations[1] ? 0 : 1]
  }

  private func expectRefusal(_ run: TemporaryRun, naming words: String) {
    #expect {
      try run.run(resume: true)
    } throws: { error in
      guard case TrainingError.cannotResume(let sentence) = error else { return false }
      return sentence.contains(words) && !sentence.contains(run.directory.path)
    }
  }

  @Test("a run that is over gives its outcome again without training")
  func finished() throws {
    let run = try TemporaryRun()
    let outcome = try run.run()
    let interruption = Interruption(after: 0)
    let again = try run.run(resume: true) { try interruption.ask() }
    #expect(interruption.questions == 0)
    #expect(again.checkpoints == outcome.checkpoints)
    #expect(again.selected.parameters.withValues(Array.init) == outcome.selected.parameters.withValues(Array.init))
  }

  @Test("without a saved state the run begins at the beginning")
  func nothingThere() throws {
    let run = try TemporaryRun()
    #expect(TrainingRun.savedState(in: run.directory) == nil)
    #expect(try run.run(resume: true).history.count == 4)
  }

  @Test("a state of other settings is refused")
  func otherSettings() throws {
    let run = try stopped()
    run.settings.batchSize = 49
    expectRefusal(run, naming: "settings")
  }

  // MARK: Damage

  /// Flips a bit, or cuts the file, somewhere.
  enum Damage: CaseIterable {
    case magic, length, header, arrays, digest, empty, cut, grown

    func strike(_ data: inout Data) {
      switch self {
      case .magic: data[0] ^= 1
      case .length: data[9] ^= 1
      case .header: data[40] ^= 1
      case .arrays: data[data.count - 100] ^= 1
      case .digest: data[data.count - 1] ^= 1
      case .empty: data = Data()
      case .cut: data = data.dropLast(70)
      case .grown: data.append(0)
      }
    }
  }

  @Test("a damaged state is set aside, and the one before it is used to the same bits", arguments: Damage.allCases)
  func damaged(_ damage: Damage) throws {
    let (whole, run) = (try TemporaryRun(), try stopped())
    let outcome = try whole.run()
    let name = try newest(of: run)
    let before = try #require(TrainingRun.savedState(in: run.directory))
    try change(name, of: run, damage.strike)
    let told = Mutex<[Warning]>([])
    let first = Mutex<SavedState?>(nil)
    run.sink.warning = { warning in told.withLock { $0.append(warning) } }
    run.sink.saved = { state in first.withLock { $0 = $0 ?? state } }
    let resumed = try run.run(resume: true)
    let saved = try #require(first.withLock { $0 })
    #expect(try run.files() == whole.files())
    #expect(resumed.history == outcome.history)
    #expect(saved.position <= before.position)
    let warning = try #require(told.withLock { $0.first { $0.code == "saved_state_damaged" } })
    #expect(warning.detail.contains(name) && warning.detail.contains("goes on") && !warning.detail.contains(run.directory.path))
    #expect(resumed.warnings.contains(warning))
    #expect(FileManager.default.fileExists(atPath: run.directory.appendingPathComponent(name + ".damaged").path))
  }

  /// What may be in the place of a state.
  enum Intruder: CaseIterable {
    case folder, pipe, loop

    func take(_ url: URL) throws {
      switch self {
      case .folder: try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
      case .pipe: #expect(mkfifo(url.path, 0o644) == 0)
      case .loop: try FileManager.default.createSymbolicLink(at: url, withDestinationURL: url)
      }
    }
  }

  @Test("what is in the place of a state and is no file is set aside, and the one before it is used", arguments: Intruder.allCases)
  func intruder(_ intruder: Intruder) throws {
    let (whole, run) = (try TemporaryRun(), try stopped())
    _ = try whole.run()
    let name = try newest(of: run)
    let url = run.directory.appendingPathComponent(name)
    try FileManager.default.removeItem(at: url)
    try intruder.take(url)
    #expect(try TrainingRun.damagedStates(in: run.directory).map(\.name) == [name])
    let resumed = try run.run(resume: true)
    let warning = try #require(resumed.warnings.first { $0.code == "saved_state_damaged" })
    #expect(warning.detail.contains(name) && warning.detail.contains("goes on"))
    #expect(try run.files() == whole.files())
  }

  @Test("when both states are damaged the run begins anew, to the same bits, and says so")
  func bothDamaged() throws {
    let (whole, run) = (try TemporaryRun(), try stopped())
    _ = try whole.run()
    // One in its weights, one in its header.
    try change(Self.names[0], of: run, Damage.arrays.strike)
    try change(Self.names[1], of: run, Damage.header.strike)
    let aside = Mutex<[String]>([])
    run.setAside = { url, reason in
      aside.withLock { $0.append(url.lastPathComponent) }
      try FileManager.default.removeItem(at: url)
    }
    let resumed = try run.run(resume: true)
    #expect(try run.files() == whole.files())
    #expect(aside.withLock { $0.sorted() } == Self.names)
    let details = resumed.warnings.filter { $0.code == "saved_state_damaged" }.map(\.detail)
    #expect(details.count == 2)
    #expect(details.contains { $0.contains("begins anew") })
  }

  @Test("a checkpoint that went missing is named")
  func missingCheckpoint() throws {
    let run = try TemporaryRun()
    _ = try run.run()
    try FileManager.default.removeItem(at: Checkpoint.url(of: .base, in: run.directory))
    expectRefusal(run, naming: "base")
  }

  // MARK: What is told

  @Test("a run that is resumed tells again what its state holds, in order")
  func tellsAgain() throws {
    let run = try stopped(after: 40)
    var metrics: [Int] = []
    var roles: [CheckpointRole] = []
    run.sink.metrics = { metrics.append($0.epoch) }
    run.sink.checkpoint = { roles.append($0.role) }
    let before = try #require(TrainingRun.savedState(in: run.directory))
    let saved = Mutex<[SavedState]>([])
    run.sink.saved = { state in saved.withLock { $0.append(state) } }
    let outcome = try run.run(resume: true)
    #expect(metrics == [1, 2, 3, 4])
    #expect(Set(roles) == Set(outcome.checkpoints.map(\.role)))
    let positions = saved.withLock { $0.map(\.position) }
    #expect(saved.withLock { $0.first } == before)
    #expect(positions == positions.sorted())
    #expect(saved.withLock { $0.last } == outcome.saved)
    #expect(outcome.saved.step == 12 && outcome.saved.position > 12)
  }

  @Test("a checkpoint that a later epoch has replaced is not told again before that epoch")
  func replacedCheckpoint() throws {
    let run = try stopped(after: 40)
    let states = try Self.names.map { try Data(contentsOf: run.directory.appendingPathComponent($0)) }
    _ = try run.run(resume: true)
    for (name, state) in zip(Self.names, states) { try state.write(to: run.directory.appendingPathComponent(name)) }
    let directory = run.directory
    let sums = Mutex<[Bool]>([])
    run.sink.checkpoint = { checkpoint in
      let isThere = (try? SHA256Digest.hex(ofFile: checkpoint.url(in: directory))) == checkpoint.sha256
      sums.withLock { $0.append(isThere) }
    }
    _ = try run.run(resume: true)
    #expect(sums.withLock { !$0.isEmpty && $0.allSatisfy(\.self) })
  }

  @Test("a run that another engine began warns of the mix, once")
  func mixedEngine() throws {
    let run = try stopped()
    run.engineVersion = "2 on another processor"
    let resumed = try run.run(resume: true)
    let mixes = resumed.warnings.filter { $0.code == "mixed_engine" }
    #expect(mixes.count == 1)
    #expect(mixes.allSatisfy { $0.detail.contains(run.engineVersion) })
    #expect(try run.run(resume: true).warnings.filter { $0.code == "mixed_engine" } == mixes)
  }

  @Test("a removed state leaves the checkpoints, and nothing to resume from")
  func removal() throws {
    let run = try TemporaryRun()
    _ = try run.run()
    TrainingRun.removeState(in: run.directory)
    TrainingRun.removeState(in: run.directory)
    #expect(try FileManager.default.contentsOfDirectory(atPath: run.directory.path) == ["checkpoints"])
  }
}
