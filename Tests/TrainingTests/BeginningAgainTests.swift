import Attacks
import Foundation
import Robustness
import Synchronization
import TensorEngine
import Testing
import Training

@Suite("A training run that learns nothing")
struct BeginningAgainTests {
  /// At a rate of 4 its ReLUs die within a few updates, at a tenth of that it learns.
  private func tooFast(_ rate: Double = 4, epochs: Int = 10) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.settings = TrainingSettings(
      method: .pgd, baseEpochs: 1, epochs: epochs, batchSize: 5, attack: AttackSettings(.pgd, ["steps": 2]),
      optimizer: OptimizerSettings(.sgd(momentum: 0, weightDecay: 0), learningRate: rate), schedule: .constant)
    return run
  }

  private func warning(_ code: String, _ outcome: TrainingOutcome) -> String? { outcome.warnings.first { $0.code == code }?.detail }

  @Test("begins again once from its first weights at a tenth of the rate, says so, and its history begins there")
  func beginsAgain() throws {
    let run = try tooFast()
    let told = Mutex<[Int]>([])
    run.sink = TrainingSink(
      metrics: { metrics in told.withLock { $0.append(metrics.epoch) } }, beganAgain: { told.withLock { $0.append(-1) } })
    let outcome = try run.run()
    #expect(outcome.history.map(\.epoch) == Array(1...11))
    #expect(outcome.history.allSatisfy { abs($0.learningRate - 0.4) < 1e-9 })
    #expect(try #require(outcome.selected.checkpoint.metrics.validationCleanAccuracy) > 0.8)
    let detail = try #require(warning("begun_again", outcome))
    #expect(detail.hasPrefix("At an optimizer.learning_rate of 4.0, 200 updates running taught the network nothing"), "\(detail)")
    #expect(warning("cannot_learn", outcome) == nil)
    // It was seen when two hundred updates had taught nothing, and not in the end.
    let epochs = told.withLock { $0 }
    #expect(epochs.filter { $0 == -1 }.count == 1 && (epochs.firstIndex(of: -1) ?? .max) <= 9, "\(epochs)")
    #expect(epochs.suffix(11) == Array(1...11)[...])
    // The same as a run that has the lower rate from the start.
    let slower = try tooFast(0.4)
    _ = try slower.run()
    #expect(try weights(slower) == weights(run))
  }

  /// The values of each checkpoint, by file.
  private func weights(_ run: TemporaryRun) throws -> [String: Data] {
    try run.files().filter { $0.key.hasPrefix("last") }.mapValues { file in
      let header = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      return file.dropFirst(8 + header)
    }
  }

  @Test("leaves the same bytes when it is interrupted anywhere and resumed, and when its process dies")
  func interruption() throws {
    let whole = try tooFast()
    let all = Interruption(after: .max)
    let outcome = try whole.run(threads: 1) { try all.ask() }
    let files = try whole.files()
    for questions in stride(from: 3, to: all.questions, by: all.questions / 12) {
      let broken = try tooFast()
      let interruption = Interruption(after: questions)
      #expect(throws: Interruption.Stopped()) { try broken.run(threads: 1) { try interruption.ask() } }
      let resumed = try broken.run(threads: 2, resume: true)
      #expect(try broken.files() == files && resumed.history == outcome.history && resumed.warnings == outcome.warnings)
    }
    let dying = try tooFast()
    let remains = Remains(of: dying.directory)
    dying.sink = TrainingSink(warning: { _ in remains.take() }, beganAgain: { remains.take() })
    _ = try dying.run()
    dying.sink = TrainingSink()
    #expect(remains.folders.count >= 2)
    for folder in remains.folders {
      let resumed = try dying.run(in: folder, resume: true)
      #expect(try dying.files(in: folder) == files && resumed.history == outcome.history && resumed.warnings == outcome.warnings)
    }
  }

  @Test("is looked at in the end too, where its rate was low for half of it; a run of a few updates is not") func short() throws {
    let run = try tooFast(epochs: 9)
    run.settings.schedule = .cosine
    let outcome = try run.run()
    #expect(warning("begun_again", outcome)?.contains("training has taught the network nothing") == true)
    #expect(outcome.history.count == 10)
    #expect(warning("begun_again", try tooFast(epochs: 3).run()) == nil)
  }

  @Test("goes on to its end when the lower rate does not help, and says so") func hopeless() throws {
    let outcome = try tooFast(1e6).run()
    #expect(warning("begun_again", outcome) != nil)
    #expect(warning("cannot_learn", outcome)?.contains("at an optimizer.learning_rate of 100000.0") == true)
    #expect(outcome.history.count == 11)
  }

  @Test("is not said to learn nothing while it may still begin to") func slow() throws {
    // At a tenth it stays a constant throughout; the watch is not asked again, the end is.
    let outcome = try tooFast(1e6).run()
    #expect(outcome.warnings.map(\.code).filter { $0 == "cannot_learn" }.count == 1)
    #expect(warning("cannot_learn", outcome)?.contains("training has taught the network nothing") == true)
  }

  @Test("begins again where the loss is no number any more, and fails when that happens again") func divergence() throws {
    let run = try tooFast(1e300)
    let again = Mutex(0)
    run.sink = TrainingSink(beganAgain: { again.withLock { $0 += 1 } })
    #expect(throws: TrainingError.self) { try run.run() }
    #expect(again.withLock { $0 } == 1)
  }

  @Test("is no run that learns") func healthy() throws {
    let outcome = try tooFast(0.05).run()
    #expect(warning("begun_again", outcome) == nil && warning("cannot_learn", outcome) == nil)
  }
}
