import Attacks
import Foundation
import JSON
import Models
import TensorEngine
import Testing
import Training

/// Each method beside PyTorch's transcription of its authors' code, which `Tests/Peers/methods.py` has computed.
@Suite("A training method beside its authors' code")
struct MethodReferenceTests {
  @Test(
    "has the loss and the gradients at both logits, however far the logits lie apart",
    arguments: [(TrainingMethod.trades, "beta"), (.mart, "beta"), (.alp, "lambda")])
  func loss(_ method: TrainingMethod, _ setting: String) throws {
    let reference = try MethodReference(method.name + "_loss")
    let (clean, adversarial) = (try reference["clean"], try reference["adversarial"])
    let objective = method.objective(MethodSettings(method, [setting: .number(Double(try reference["weight"].values[0]))]))
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

  /// A method as the script trains it, for so many updates.
  struct Row: Sendable, CustomTestStringConvertible {
    let name: String
    let method: TrainingMethod
    var settings: [String: JSONValue] = [:]
    var attack = AttackSettings(.pgd, ["steps": 4, "step_size": 0.06])
    /// The start of the attack is the clean image plus so much noise; `nil`: the method's own.
    var noise: Float?
    /// Whether that start is brought into the box.
    var startsInBox = true
    /// That of the first update's noise.
    var firstStream = 500
    var updates = 3
    var tolerance: Float = 1e-4

    var testDescription: String { name }
  }

  static let epsilon = 0.2
  static let rows: [Row] = [
    Row(name: "trades", method: .trades, settings: ["beta": 6.0], noise: 0.001, updates: 5),
    Row(name: "fast", method: .fgsm, attack: AttackSettings(.fgsm, ["random_start": true]), noise: 0.2, startsInBox: false),
    Row(name: "nfgsm", method: .nfgsm, attack: AttackSettings(.fgsm), noise: 0.4),
    Row(name: "mart", method: .mart, noise: 0.001),
    Row(name: "alp", method: .alp, noise: 0.2),
    Row(name: "free", method: .free, settings: ["replays": 3], attack: AttackSettings(.fgsm)),
    Row(name: "awp", method: .awp, noise: 0.2),
    Row(name: "awp_trades", method: .awp, settings: ["on": "trades", "warmup_epochs": 0], noise: 0.001, firstStream: 560),
    Row(
      name: "gradalign",
      method: .gradAlign { examples, threat in
        start(examples, Float(threat.epsilon), stream: 599 + examples.epoch, staysInBox: false)
      }, attack: AttackSettings(.fgsm), tolerance: 1e-3),
    Row(name: "input_gradient", method: .inputGradient, settings: ["lambda": 0.5], tolerance: 1e-3),
  ]

  /// So many updates, an epoch each, of one batch of two shards.
  private func run(_ row: Row, _ model: ModelDescription) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.model = model
    run.dataset = MethodReference.dataset
    run.threat = Threat(norm: .linf, epsilon: Self.epsilon)
    var method = row.method
    if let size = row.noise {
      method.attack?.start = { examples, _ in
        Self.start(examples, size, stream: row.firstStream - 1 + examples.epoch, staysInBox: row.startsInBox && size > 0.01)
      }
    }
    run.settings = TrainingSettings(
      method: method, settings: row.settings, baseEpochs: 0, epochs: row.updates, batchSize: 40, attack: row.attack,
      optimizer: OptimizerSettings(.sgd(momentum: 0.9, weightDecay: 5e-4), learningRate: 0.2), schedule: .constant, select: .last,
      validationFraction: 0)
    return run
  }

  @Test("of Fast-AT starts in the whole ball, beyond black and white too") func startsBeyondBox() throws {
    func weights(_ start: (@Sendable (Examples, Threat) -> Tensor)?) throws -> [Float] {
      let row = Row(name: "fast", method: .fgsm, attack: AttackSettings(.fgsm, ["random_start": true]))
      let run = try run(row, MethodReference.plain)
      var method = TrainingMethod.fgsm
      if let start { method.attack?.start = start }
      run.settings.method = method
      return try run.run().selected.parameters.withValues { Array($0) }
    }
    let own = try weights(nil)
    let whole = try weights { examples, threat in
      var streams = examples.streams(for: .attackStart)
      return threat.scattered(examples.images, from: &streams)
    }
    let clipped = try weights { examples, threat in
      var streams = examples.streams(for: .attackStart)
      return threat.uniformPoints(around: examples.images, from: &streams)
    }
    #expect(own == whole && own != clipped)
  }

  /// The clean image plus `size` times the noise of a stream.
  private static func start(_ examples: Examples, _ size: Float, stream: Int, staysInBox: Bool) -> Tensor {
    var starts = examples.images
    for (row, id) in examples.ids.enumerated() {
      let noise = Noise.signed(stream, count: 40 * 36)[id * 36..<(id + 1) * 36]
      starts[example: row] = ArraySlice(zip(examples.images[example: row], noise).map { $0 + size * $1 })
    }
    if staysInBox { starts.clamp(to: Threat.box) }
    return starts
  }

  @Test(
    "takes the same steps, with batch norm and without", arguments: rows,
    [("_plain", MethodReference.plain), ("_normalized", MethodReference.normalized)])
  func steps(_ row: Row, _ network: (suffix: String, model: ModelDescription)) throws {
    let reference = try MethodReference(row.name + network.suffix)
    let run = try run(row, network.model)
    let layout = try network.model.graph(input: [6, 6, 1], classes: 3).layout
    let outcome = try run.training(initial: MethodReference.weights(layout)).run()
    let losses = outcome.history.compactMap(\.loss)
    let peers = try reference["losses"].values
    #expect(losses.count == row.updates && peers.count == row.updates)
    for (loss, peer) in zip(losses, peers) { #expect(abs(loss - Double(peer)) < Double(row.tolerance), "\(loss) and not \(peer)") }
    for parameter in layout.ids {
      let name = layout[parameter].name
      let furthest = zip(outcome.selected.parameters[parameter].values, try reference[name].values).map { abs($0 - $1) }.max() ?? 0
      #expect(furthest < row.tolerance, "\(name) is \(furthest) away")
    }
  }
}
