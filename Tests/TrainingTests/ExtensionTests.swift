import Files
import Foundation
import Robustness
import Testing
import Training

@Suite("Extensions of a training") struct ExtensionTests {
  /// A run of two stages and an extension; what each stage's optimiser remembers makes a difference.
  private func run(_ model: Case, resets: Bool = false) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.model = model == .normalized ? Blobs.normalized : Blobs.convolutional
    run.settings.optimizer = model == .normalized ? OptimizerSettings(.adam(), learningRate: 0.01) : Blobs.settings.optimizer
    run.settings.extensions = [TrainingExtension(epochs: 3, schedule: .cosine, learningRate: 0.02, resetsOptimizer: resets)]
    return run
  }

  enum Case: CaseIterable { case convolutional, normalized }

  /// The same run without its extension, to its end.
  private func finished(_ extended: TemporaryRun) throws -> TemporaryRun {
    let run = try TemporaryRun()
    (run.model, run.settings) = (extended.model, extended.settings)
    run.settings.extensions = []
    _ = try run.run()
    return run
  }

  /// Copies the checkpoints, which a service keeps for both.
  private func copyCheckpoints(_ from: TemporaryRun, to run: TemporaryRun) throws {
    try FileManager.default.copyItem(
      at: from.directory.appendingPathComponent("checkpoints"), to: run.directory.appendingPathComponent("checkpoints"))
  }

  @Test("a finished run that is extended ends in the bits of one that was meant to be longer", arguments: Case.allCases, [false, true])
  func sameBits(_ model: Case, _ resets: Bool) throws {
    let (whole, extended) = (try run(model, resets: resets), try run(model, resets: resets))
    let outcome = try whole.run()
    let first = try finished(extended)
    #expect(try first.files() != whole.files())
    try copyCheckpoints(first, to: extended)
    #expect(try ExtensionFile.copyEnd(from: first.directory, to: extended.directory))
    let further = try extended.run(resume: true)
    #expect(try extended.files() == whole.files())
    #expect(further.history == outcome.history && further.history.count == 7)
    #expect(!further.warnings.contains { $0.code == "optimizer_begins_anew" })
  }

  @Test(
    "without the state of the finished run it goes on from the last checkpoint, with an optimiser that begins anew",
    arguments: Case.allCases)
  func fromCheckpoint(_ model: Case) throws {
    let (whole, extended) = (try run(model, resets: true), try run(model, resets: true))
    _ = try whole.run()
    let first = try finished(extended)
    let end = try first.run(resume: true)
    try copyCheckpoints(first, to: extended)
    try ExtensionFile.write(
      history: end.history, checkpoints: end.checkpoints, warnings: end.warnings, engine: extended.engineVersion, to: extended.directory)
    let further = try extended.run(resume: true)
    #expect(try extended.files() == whole.files())
    #expect(further.warnings.contains { $0.code == "optimizer_begins_anew" })
  }

  @Test("an optimiser that goes on gives other weights than one that begins anew") func optimizer() throws {
    let (kept, reset) = (try run(.convolutional), try run(.convolutional, resets: true))
    _ = try kept.run()
    _ = try reset.run()
    #expect(try kept.files()["last.safetensors"] != reset.files()["last.safetensors"])
    #expect(try kept.files()["base.safetensors"] == reset.files()["base.safetensors"])
  }

  @Test("an extension that is killed and resumed ends in the same bits, on one thread and on two", arguments: [3, 15, 30], [1, 2])
  func killed(_ questions: Int, _ threads: Int) throws {
    let (whole, extended) = (try run(.normalized), try run(.normalized))
    _ = try whole.run()
    let first = try finished(extended)
    try copyCheckpoints(first, to: extended)
    #expect(try ExtensionFile.copyEnd(from: first.directory, to: extended.directory))
    extended.saveInterval = 0
    let interruption = Interruption(after: questions)
    #expect(throws: Interruption.Stopped.self) { try extended.run(threads: threads, resume: true) { try interruption.ask() } }
    let before = try #require(TrainingRun.savedState(in: extended.directory))
    #expect(before.step >= 12)
    _ = try extended.run(threads: 3 - threads, resume: true)
    #expect(try extended.files() == whole.files())
  }

  @Test("a state that is damaged, or of another network, ends the run in words", arguments: [true, false])
  func damaged(_ isDamaged: Bool) throws {
    let extended = try run(.convolutional)
    let first = try finished(isDamaged ? extended : run(.normalized))
    #expect(try ExtensionFile.copyEnd(from: first.directory, to: extended.directory))
    let file = extended.directory.appendingPathComponent("extended.state")
    if isDamaged {
      var bytes = try Data(contentsOf: file)
      bytes[bytes.count - 100] ^= 1
      try bytes.write(to: file)
    }
    let error = try #require(throws: TrainingError.self) { try extended.run(resume: true) }
    #expect(error.description.contains("extend that job again"))
    #expect(FileManager.default.fileExists(atPath: file.path + ".damaged"))
  }

  @Test("of a finished run's folder only the state that it ended with is kept, and nothing of one that has none") func keepEnd() throws {
    let first = try finished(run(.convolutional))
    try Data("x".utf8).write(to: first.directory.appendingPathComponent("evaluation.images"))
    ExtensionFile.keepEnd(in: first.directory)
    let names = try FileManager.default.contentsOfDirectory(atPath: first.directory.path)
    #expect(names.count == 1 && names[0].hasSuffix(".state"))
    let other = try TemporaryRun()
    #expect(try ExtensionFile.copyEnd(from: first.directory, to: other.directory))
    let none = try TemporaryRun()
    try Data("x".utf8).write(to: none.directory.appendingPathComponent("evaluation.images"))
    ExtensionFile.keepEnd(in: none.directory)
    #expect(!FileManager.default.fileExists(atPath: none.directory.path))
  }

  @Test("a rate that did not end at 0 stays where it ended, another falls once more from its part") func usual() {
    var settings = TrainingSettings(epochs: 10, optimizer: OptimizerSettings(.sgd(), learningRate: 0.1), schedule: .constant)
    func usual() -> (Schedule, Double) {
      let further = settings.usualExtension(epochs: 5, resetsOptimizer: true)
      return (further.schedule, further.learningRate)
    }
    #expect(usual() == (.constant, 0.1))
    settings.schedule = .step(milestones: [4, 8, 10], factor: 0.5)
    #expect(usual() == (.constant, 0.025))
    settings.schedule = .cosine
    #expect(usual() == (.cosine, 0.05))
    #expect(settings.usualExtension(epochs: 30, resetsOptimizer: true).learningRate == 0.1)
    // The part is that of the first rate, however often it is extended.
    settings.extensions = [settings.usualExtension(epochs: 5, resetsOptimizer: true)]
    #expect(usual() == (.cosine, 0.1 * (5.0 / 15)))
    settings.extensions = [TrainingExtension(epochs: 5, schedule: .constant, learningRate: 0.03)]
    #expect(usual() == (.constant, 0.03))
  }

  @Test("a training that its patience ended is cut where it ended") func ending() {
    var settings = TrainingSettings(baseEpochs: 2, epochs: 10)
    #expect(settings.ending(after: 12) == settings)
    #expect(settings.ending(after: 7)?.epochs == 5)
    #expect(settings.ending(after: 2) == nil)
    let further = TrainingExtension(epochs: 5, schedule: .cosine, learningRate: 0.01)
    settings.extensions = [further, further]
    #expect(settings.totalEpochs == 22 && settings.ending(after: 22) == settings)
    #expect(settings.ending(after: 17)?.extensions == [further])
    #expect(settings.ending(after: 19)?.extensions.map(\.epochs) == [5, 2])
    #expect(settings.ending(after: 9)?.totalEpochs == 9)
  }
}
