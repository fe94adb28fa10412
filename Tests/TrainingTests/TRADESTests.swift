import Attacks
import Foundation
import Models
import Robustness
import TensorEngine
import Testing
import Training

@Suite("TRADES")
struct TRADESTests {
  @Test("has the loss and the gradients at both logits that PyTorch has, however far the logits lie apart")
  func loss() throws {
    let reference = try MethodReference("trades_loss")
    let (clean, adversarial) = (try reference["clean"], try reference["adversarial"])
    let objective = TrainingMethod.trades.objective(MethodSettings(.trades, ["beta": .number(Double(try reference["beta"].values[0]))]))
    let examples = ViewLogits(logits: [clean, adversarial], labels: (0..<12).map { $0 % 5 }, ids: Array(0..<12))
    var gradients = [Tensor(zeros: clean.shape), Tensor(zeros: clean.shape)]
    let losses = objective(examples, state: MethodState(count: 0), gradients: &gradients)
    func expect(_ values: [Float], _ name: String) throws {
      for (value, peer) in zip(values, try reference[name].values) {
        #expect(abs(value - peer) <= 1e-4 * max(1, abs(peer)), "\(name): \(value) and not \(peer)")
      }
    }
    try expect(losses, "loss")
    try expect(gradients[0].values, "clean_gradient")
    try expect(gradients[1].values, "adversarial_gradient")
  }

  /// Five updates of one batch of two shards.
  private func run(_ model: ModelDescription) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.model = model
    run.dataset = MethodReference.dataset
    run.threat = Threat(norm: .linf, epsilon: 0.2)
    var method = TrainingMethod.trades
    method.attack?.start = { examples in
      var starts = examples.images
      for (row, id) in examples.ids.enumerated() {
        let noise = Noise.signed(499 + examples.epoch, count: 40 * 36)[id * 36..<(id + 1) * 36]
        starts[example: row] = ArraySlice(zip(examples.images[example: row], noise).map { $0 + 0.001 * $1 })
      }
      return starts
    }
    run.settings = TrainingSettings(
      method: method, settings: ["beta": 6.0], baseEpochs: 0, epochs: 5, batchSize: 40,
      attack: AttackSettings(.pgd, ["steps": 4, "step_size": 0.06]),
      optimizer: OptimizerSettings(.sgd(momentum: 0.9, weightDecay: 5e-4), learningRate: 0.2), schedule: .constant, select: .last,
      validationFraction: 0)
    return run
  }

  @Test(
    "takes the steps that PyTorch takes, with batch norm and without",
    arguments: [("trades_plain", MethodReference.plain), ("trades_normalized", MethodReference.normalized)])
  func steps(_ name: String, _ model: ModelDescription) throws {
    let reference = try MethodReference(name)
    let run = try run(model)
    let layout = try model.graph(input: [6, 6, 1], classes: 3).layout
    let outcome = try run.training(initial: MethodReference.weights(layout)).run()
    let losses = outcome.history.compactMap(\.loss)
    for (loss, peer) in zip(losses, try reference["losses"].values) { #expect(abs(loss - Double(peer)) < 1e-4) }
    #expect(losses.count == 5)
    for parameter in layout.ids {
      let name = layout[parameter].name
      let peer = try reference[name].values
      for (value, other) in zip(outcome.selected.parameters[parameter].values, peer) {
        #expect(abs(value - other) < 1e-4, "\(name): \(value) and not \(other)")
      }
    }
  }

  // MARK: As a run

  /// With dropout, with batch norm where asked for, and a third of each batch clean.
  private func mixedRun(_ model: ModelDescription) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.model = model
    run.settings.method = .trades
    return run
  }

  @Test(
    "leaves the same bytes on one thread and on two, in every precision", arguments: [Blobs.convolutional, Blobs.normalized],
    Precision.allCases)
  func threads(_ model: ModelDescription, _ precision: Precision) throws {
    let (one, two) = (try mixedRun(model), try mixedRun(model))
    for run in [one, two] { run.precision = precision }
    _ = try one.run(threads: 1)
    _ = try two.run(threads: 2)
    #expect(try one.files() == two.files())
  }

  @Test(
    "leaves the same bytes when it is stopped and resumed", arguments: [Blobs.convolutional, Blobs.normalized], BatchNormInAttack.allCases)
  func resumed(_ model: ModelDescription, _ statistics: BatchNormInAttack) throws {
    let whole = try mixedRun(model)
    whole.settings.batchNormInAttack = statistics
    _ = try whole.run()
    for questions in [12, 19, 27] {
      let broken = try mixedRun(model)
      broken.settings.batchNormInAttack = statistics
      let interruption = Interruption(after: questions)
      if (try? broken.run(control: { try interruption.ask() })) == nil { _ = try broken.run(resume: true) }
      #expect(try broken.files() == whole.files())
    }
  }

  @Test("tells of clean and of adversarial examples, and counts each once in the loss")
  func tally() throws {
    let run = try mixedRun(Blobs.convolutional)
    run.settings.adversarialFraction = 1
    let metrics = try #require(try run.run().history.last)
    #expect(metrics.trainCleanAccuracy != nil && metrics.trainAdversarialAccuracy != nil)
    // The mean over examples that all learn cross-entropy alone is no mean over two predictions of each.
    let (standard, idle) = (try mixedRun(Blobs.linear), try mixedRun(Blobs.linear))
    standard.settings.method = .standard
    idle.settings.methodSettings["beta"] = 0
    idle.settings.adversarialFraction = 1
    let (a, b) = (try standard.run(), try idle.run())
    #expect(a.history.map(\.loss) == b.history.map(\.loss))
    #expect(a.selected.parameters.withValues(Array.init) == b.selected.parameters.withValues(Array.init))
  }

  @Test("learns what the mix leaves clean as standard training does")
  func fraction() throws {
    let (none, standard) = (try mixedRun(Blobs.convolutional), try mixedRun(Blobs.convolutional))
    none.settings.adversarialFraction = 0
    standard.settings.method = .standard
    #expect(try none.run().selected.parameters.withValues(Array.init) == standard.run().selected.parameters.withValues(Array.init))
    // One example of an epoch is attacked, and that one alone learns otherwise.
    let (one, all) = (try mixedRun(Blobs.convolutional), try mixedRun(Blobs.convolutional))
    one.settings.adversarialFraction = 0.01
    all.settings.adversarialFraction = 1
    let loss = try [none, one, all].map { try #require(try $0.run().history.last?.loss) }
    #expect(loss[0] < loss[1] && loss[1] < loss[2])
  }
}
