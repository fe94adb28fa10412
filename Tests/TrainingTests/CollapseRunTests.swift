import Attacks
import Foundation
import Models
import Robustness
import Synchronization
import TensorEngine
import Testing
import Training

@Suite("A training run whose robust accuracy collapses")
struct CollapseRunTests {
  /// A run of one base epoch and then of `epochs`, three updates each, by a method that after two epochs learns the wrong classes, until it
  /// begins anew.
  private func collapsing(_ response: CollapseResponse = .goOn, epochs: Int = 9) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.model = Blobs.linear
    run.settings = Self.settings(response, epochs: epochs)
    return run
  }

  static func settings(_ response: CollapseResponse = .goOn, epochs: Int) -> TrainingSettings {
    TrainingSettings(
      method: Unlearning.method, baseEpochs: 1, epochs: epochs, batchSize: 25, attack: AttackSettings(.pgd, ["steps": 2]),
      optimizer: OptimizerSettings(.sgd(momentum: 0.5, weightDecay: 0), learningRate: 0.3), schedule: .constant, select: .last,
      onCollapse: response, validationFraction: 0.5)
  }

  private func collapses(_ outcome: TrainingOutcome) -> [Int] { outcome.history.filter { $0.isCollapse == true }.map(\.epoch) }

  private func details(_ outcome: TrainingOutcome) -> [String] {
    outcome.warnings.filter { $0.code == "catastrophic_overfitting" }.map(\.detail)
  }

  @Test("stops where that is asked for, says so, and keeps the epochs before the fall")
  func stops() throws {
    let outcome = try collapsing(.stop).run()
    let found = try #require(collapses(outcome).first)
    #expect(collapses(outcome) == [found] && outcome.history.count == found)
    #expect(outcome.history.last?.named.contains { $0.name == "collapse" && $0.value == 1 } == true)
    // The two epochs below half of the best leave no checkpoint.
    #expect(outcome.selected.checkpoint.epoch == found - 2)
    #expect(details(outcome).count == 1)
    #expect(outcome.stopReason == details(outcome).first)
    #expect(outcome.stopReason?.contains("was stopped") == true)
    #expect(!outcome.warnings.map(\.code).contains("robust_overfitting"))
  }

  @Test("else goes on to its last epoch from the best weights, as often as it happens, and says so twice at most")
  func goesOn() throws {
    let outcome = try collapsing(epochs: 17).run()
    #expect(outcome.history.count == 18)
    #expect(outcome.stopReason == nil)
    let found = collapses(outcome)
    #expect(found.count > 2)
    #expect(details(outcome).count == 2)
    #expect(details(outcome).first?.contains("went back to the weights of epoch") == true)
    let robust = outcome.history.compactMap(\.validationRobustAccuracy)
    // An epoch is counted from 1: these are the reading that shows the collapse, and the one after it.
    for epoch in found where epoch < robust.count { #expect(robust[epoch] > robust[epoch - 1] + 0.2, "\(found) of \(robust)") }
  }

  @Test("says of a collapse in its last epoch that there was no going back")
  func ends() throws {
    let found = try #require(collapses(try collapsing(.stop).run()).first)
    let outcome = try collapsing(epochs: found - 1).run()
    #expect(outcome.history.count == found && collapses(outcome) == [found])
    #expect(outcome.selected.checkpoint.epoch == found - 2)
    #expect(details(outcome).first?.contains("It was the last epoch") == true)
  }

  /// Stops a run at its first question after the first collapse.
  private func stopAfterCollapse(_ run: TemporaryRun) {
    let hasCollapsed = Mutex(false)
    run.sink.metrics = { metrics in if metrics.isCollapse == true { hasCollapsed.withLock { $0 = true } } }
    #expect(throws: Interruption.Stopped()) {
      try run.run { if hasCollapsed.withLock({ $0 }) { throw Interruption.Stopped() } }
    }
    run.sink.metrics = { _ in }
  }

  @Test(
    "goes back to the best weights with an optimiser that begins anew, or without a validation part to the last before the fall",
    arguments: [(0.5, CheckpointRole.bestRobust), (0, .last)])
  func goesBack(_ validationFraction: Double, _ role: CheckpointRole) throws {
    let run = try collapsing()
    run.settings.validationFraction = validationFraction
    // As many updates in an epoch of all examples as in one of half.
    if validationFraction == 0 { run.settings.batchSize = 50 }
    stopAfterCollapse(run)
    let best = try #require(TrainingRun.namedCheckpoints(in: run.directory).first { $0.role == role })
    let weights = try Safetensors(Data(contentsOf: best.url(in: run.directory))).weights.entries.flatMap(\.tensor.values)
    let bytes = weights.withUnsafeBytes { Data($0) }
    // No state of before is left that could no longer go back once a later epoch has replaced the best weights.
    for name in ["resume.a.state", "resume.b.state"] {
      let state = try SavedFile(run.directory.appendingPathComponent(name))
      #expect(state.arrays.starts(with: bytes))
      // The optimiser's momentum and the method's count of updates.
      #expect(state.arrays.dropFirst(bytes.count).prefix(bytes.count + 4).allSatisfy { $0 == 0 })
      #expect(state.header["optimizerStep"] as? Int == 0)
    }
  }

  /// A saved state as it lies in its file: eight bytes, the length of the header, the header, how many arrays there are, the length of
  /// each, a digest of 64 digits, and the arrays.
  private struct SavedFile {
    let header: [String: Any]
    let arrays: Data

    init(_ url: URL) throws {
      let data = try Data(contentsOf: url)
      let length = data[8..<16].reversed().reduce(0) { $0 << 8 | Int($1) }
      header = try #require(JSONSerialization.jsonObject(with: data[16..<16 + length]) as? [String: Any])
      let lengths = 8 * (1 + Int(data[16 + length]))
      arrays = Data(data[(16 + length + lengths + 64)...])
    }
  }

  private func expect(_ resumed: TrainingOutcome, _ files: [String: Data], toBe whole: (outcome: TrainingOutcome, files: [String: Data])) {
    #expect(files == whole.files)
    #expect(resumed.history == whole.outcome.history)
    #expect(resumed.warnings == whole.outcome.warnings)
  }

  @Test("leaves the same bytes when it is interrupted anywhere and resumed")
  func interruption() throws {
    let whole = try collapsing()
    let all = Interruption(after: .max)
    let outcome = try whole.run(threads: 1) { try all.ask() }
    let files = try whole.files()
    // Every third, which meets each kind of question in each epoch.
    for questions in stride(from: 0, to: all.questions, by: 3) {
      let broken = try collapsing()
      let interruption = Interruption(after: questions)
      #expect(throws: Interruption.Stopped()) { try broken.run(threads: 1) { try interruption.ask() } }
      let resumed = try broken.run(threads: 1, resume: true)
      expect(resumed, try broken.files(), toBe: (outcome, files))
    }
  }

  @Test("leaves the same bytes when its process dies at any moment, though the best weights before the fall are replaced after it")
  func death() throws {
    let (whole, broken) = (try collapsing(), try collapsing())
    let outcome = try whole.run()
    let files = try whole.files()
    let found = try #require(collapses(outcome).first)
    #expect(outcome.checkpoints.contains { $0.role == .bestRobust && $0.epoch > found })
    let remains = Remains(of: broken.directory)
    broken.saveInterval = 0
    broken.sink = TrainingSink(
      metrics: { _ in remains.take() }, warning: { _ in remains.take() }, checkpoint: { _ in remains.take() },
      saved: { _ in remains.take() })
    _ = try broken.run()
    broken.sink = TrainingSink()
    #expect(remains.folders.count > 20)
    for folder in remains.folders {
      let resumed = try broken.run(in: folder, resume: true)
      expect(resumed, try broken.files(in: folder), toBe: (outcome, files))
    }
  }

  @Test(
    "is none where nothing is attacked, and is not said to overfit there either", arguments: [TrainingMethod.standard, Unlearning.method])
  func unattacked(_ method: TrainingMethod) throws {
    let run = try collapsing(.stop)
    run.settings.method = method
    run.settings.adversarialFraction = 0
    let outcome = try run.run()
    #expect(outcome.history.count == 10)
    #expect(Set(outcome.warnings.map(\.code)).isDisjoint(with: ["catastrophic_overfitting", "robust_overfitting"]))
  }
}

/// Learns from adversarial examples for six updates, and then the wrong classes. Its state counts the updates.
private struct Unlearning: Objective {
  static let method = TrainingMethod(
    name: "unlearning", summary: "Of these tests.", attack: MethodAttack(usual: AttackSettings(.pgd))
  ) { _ in Unlearning() }

  let views = [View.adversarial]

  func stateCount(_ size: TrainingSize) -> Int { 1 }

  func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float] {
    let isUnlearning = state[0] >= 6
    let labels = isUnlearning ? examples.labels.map { ($0 + 1) % examples.logits[0].stride } : examples.labels
    let losses = CrossEntropy()(examples.logits[0], labels: labels, gradient: &gradients[0])
    // Faster than it was learnt.
    if isUnlearning { for index in gradients[0].values.indices { gradients[0].values[index] *= 5 } }
    return losses
  }

  func updateState(_ state: MethodState, after batch: ViewLogits, inputGradients: [Tensor]) { state[0] += 1 }
}
