import Foundation
import Testing
import Training

@Suite("Resuming")
struct ResumeTests {
  private func stopped(after questions: Int = 20) throws -> TemporaryRun {
    let run = try TemporaryRun()
    let interruption = Interruption(after: questions)
    #expect(throws: Interruption.Stopped.self) { try run.run { try interruption.ask() } }
    return run
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
    #expect(try run.run(resume: true).history.count == 4)
  }

  @Test("a state of other settings is refused")
  func otherSettings() throws {
    let run = try stopped()
    run.settings.batchSize = 49
    expectRefusal(run, naming: "settings")
  }

  @Test("a damaged state is refused, wherever the damage is", arguments: [0, 9, 40, 700, -1])
  func damaged(_ place: Int) throws {
    let run = try stopped()
    let file = run.directory.appendingPathComponent("resume.state")
    var data = try Data(contentsOf: file)
    data[place < 0 ? data.count + place : place] ^= 1
    try data.write(to: file)
    expectRefusal(run, naming: "damaged")
  }

  @Test("a truncated state is refused", arguments: [0, 7, 31, 32, 100])
  func truncated(_ length: Int) throws {
    let run = try stopped()
    let file = run.directory.appendingPathComponent("resume.state")
    try Data(contentsOf: file).prefix(length).write(to: file)
    expectRefusal(run, naming: "damaged")
  }

  @Test("a checkpoint that went missing is named")
  func missingCheckpoint() throws {
    let run = try TemporaryRun()
    _ = try run.run()
    try FileManager.default.removeItem(at: Checkpoint.url(of: .base, in: run.directory))
    expectRefusal(run, naming: "base")
  }

  @Test("a removed state leaves the checkpoints, and nothing to resume from")
  func removal() throws {
    let run = try TemporaryRun()
    _ = try run.run()
    try TrainingRun.removeState(in: run.directory)
    try TrainingRun.removeState(in: run.directory)
    #expect(try FileManager.default.contentsOfDirectory(atPath: run.directory.path) == ["checkpoints"])
  }
}
