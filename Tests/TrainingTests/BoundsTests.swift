import Attacks
import Foundation
import JSON
import Models
import Synchronization
import TensorEngine
import Testing
import Training

/// What `Tests/Peers/bounds.py` left, and the same networks here.
private enum BoundsReference {
  static func file(_ name: String) throws -> MethodReference { try MethodReference(name, in: "bounds") }

  /// Every kind of layer that has bounds.
  static let rich = ModelDescription(
    .layers([
      .conv(filters: 8, kernel: 3, padding: 1), .batchNorm(), .relu,
      .conv(filters: 8, kernel: 3, stride: 2, padding: 1, groups: 8), .relu6,
      .residual(layers: [.conv(filters: 8, kernel: 3, padding: 1), .relu, .conv(filters: 8, kernel: 1)]),
      .maxPool(size: 2, stride: 1), .avgPool(size: 2, stride: 1), .conv(filters: 8, kernel: 3, padding: 1, groups: 2), .gelu,
      .globalAvgPool, .linear(units: 7), .silu, .linear(units: 5),
    ]))

  static func parameters(_ layout: ParameterLayout) -> Parameters {
    let parameters = MethodReference.weights(layout)
    for id in layout.ids where !layout[id].isTrained {
      let isMean = layout[id].name.hasSuffix("running_mean")
      parameters[id] = Tensor(
        [8], values: isMean ? Noise.signed(300, count: 8).map { $0 / 4 } : Noise.unsigned(301, count: 8).map { $0 + 0.5 })
    }
    return parameters
  }

  static let images = Tensor([100, 8, 6, 3], values: Noise.unsigned(2_000, count: 100 * 8 * 6 * 3))
  static let labels = (0..<100).map { (3 * $0 + 1) % 5 }
}

@Suite("Interval bounds")
struct BoundsTests {
  private struct Whole {
    let worst: [Float]
    let penalty: Float
    let gradient: [Float]
  }

  /// A pass of the hundred images, forward and back.
  private func pass(_ graph: Graph, _ parameters: Parameters, threads: Int) throws -> Whole {
    let engine = Engine(threads: threads)
    let program = try Program(graph.bounds(for: .training), for: .weightGradients)
    let shards = program.sharding.count(100)
    let session = try Session(program, parameters: parameters, contexts: shards)
    let gradients = Gradients(graph.layout, sets: shards)
    let answers = Mutex([Int: Tensor]())
    let (images, labels) = (BoundsReference.images, BoundsReference.labels)
    try session.pass(shards: shards, on: engine, width: threads) { shard, context in
      let rows = Array(program.sharding.range(shard, of: 100))
      context.begin(
        images.gathered(rows), bounds: BoundsQuestion(epsilon: 0.05, labels: rows.map { labels[$0] }, regularization: 0.5))
    } beginBackward: { shard, context in
      let worst = context.logits
      var gradient = Tensor(zeros: worst.shape)
      _ = CrossEntropy()(worst, labels: program.sharding.range(shard, of: 100).map { labels[$0] }, gradient: &gradient)
      for index in gradient.values.indices { gradient.values[index] /= 100 }
      context.beginBackward(gradient, into: gradients, set: shard)
      answers.withLock { $0[shard] = worst }
    }
    let worst = answers.withLock { answers in (0..<shards).flatMap { answers[$0]?.values ?? [] } }
    return Whole(worst: worst, penalty: session.penalty, gradient: gradients.reduced(sets: shards))
  }

  @Test("of a hundred images, their loss and the gradient of every weight are those of PyTorch")
  func reference() throws {
    let reference = try BoundsReference.file("interval_bounds")
    let graph = try BoundsReference.rich.graph(input: [8, 6, 3], classes: 5)
    let whole = try pass(graph, BoundsReference.parameters(graph.layout), threads: 2)
    for (bound, peer) in zip(whole.worst, try reference["worst"].values) { #expect(abs(bound - peer) < 1e-4) }
    #expect(whole.worst.count == 500)
    var gradient = Tensor(zeros: [100, 5])
    let losses = CrossEntropy()(Tensor([100, 5], values: whole.worst), labels: BoundsReference.labels, gradient: &gradient)
    let loss = losses.reduce(0, +) / 100 + whole.penalty
    #expect(whole.penalty > 0.1)
    #expect(abs(loss - (try reference["loss"].values[0])) < 1e-4)
    for id in graph.layout.ids where graph.layout[id].isTrained {
      let name = graph.layout[id].name
      let own = whole.gradient[graph.layout.range(id)]
      for (value, peer) in zip(own, try reference[name].values) { #expect(abs(value - peer) < 1e-4, "\(name): \(value) and not \(peer)") }
    }
  }

  @Test("have the same bits on one thread and on two")
  func threads() throws {
    let graph = try BoundsReference.rich.graph(input: [8, 6, 3], classes: 5)
    let parameters = BoundsReference.parameters(graph.layout)
    let (one, two) = (try pass(graph, parameters, threads: 1), try pass(graph, parameters, threads: 2))
    #expect(one.worst == two.worst && one.gradient == two.gradient && one.penalty == two.penalty)
  }
}

@Suite("IBP and MTL-IBP")
struct IBPTests {
  private func run(_ method: TrainingMethod, _ model: ModelDescription, _ own: [String: Double]) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.model = model
    run.dataset = MethodReference.dataset
    run.threat = Threat(norm: .linf, epsilon: 0.2)
    var settings: [String: JSONValue] = ["ramp": 0.5, "regularizer": 0.5, "l1": 1e-3, "clip": 1.0]
    for (name, value) in own { settings[name] = .number(value) }
    run.settings = TrainingSettings(
      method: method, settings: settings, baseEpochs: 0, epochs: 6, batchSize: 40,
      attack: AttackSettings(.pgd, ["steps": 4, "step_size": 0.06, "random_start": false]),
      optimizer: OptimizerSettings(.sgd(momentum: 0.9, weightDecay: 5e-4), learningRate: 0.2), schedule: .constant, select: .last,
      validationFraction: 0)
    return run
  }

  @Test(
    "take the steps that PyTorch takes: while the box grows and after, with the regulariser, a penalty on |w| and clipped gradients",
    arguments: [
      ("ibp_plain", TrainingMethod.ibp, MethodReference.plain, [:]),
      ("ibp_normalized", .ibp, MethodReference.normalized, [:]),
      ("mtl_ibp_plain", .mtlIBP, MethodReference.plain, ["alpha": 0.4]),
    ] as [(String, TrainingMethod, ModelDescription, [String: Double])])
  func steps(_ name: String, _ method: TrainingMethod, _ model: ModelDescription, _ own: [String: Double]) throws {
    let reference = try BoundsReference.file(name)
    let run = try run(method, model, own)
    let layout = try model.graph(input: [6, 6, 1], classes: 3).layout
    let outcome = try run.training(initial: MethodReference.weights(layout)).run()
    let losses = outcome.history.compactMap(\.loss)
    #expect(losses.count == 6)
    for (loss, peer) in zip(losses, try reference["losses"].values) { #expect(abs(loss - Double(peer)) < 1e-4, "\(losses)") }
    for id in layout.ids {
      for (value, peer) in zip(outcome.selected.parameters[id].values, try reference[layout[id].name].values) {
        #expect(abs(value - peer) < 1e-4, "\(layout[id].name): \(value) and not \(peer)")
      }
    }
  }

  @Test("an alpha of 0 is pgd, and an alpha of 1 is ibp, to the bit")
  func ends() throws {
    func weights(_ method: TrainingMethod, _ settings: [String: JSONValue]) throws -> [Float] {
      let run = try TemporaryRun()
      run.settings.methodSettings = MethodSettings(method, settings)
      run.settings.adversarialFraction = 1
      return try run.run().selected.parameters.withValues(Array.init)
    }
    let plain: [String: JSONValue] = ["regularizer": 0, "l1": 0, "clip": 1e9, "ramp": 0]
    let none = try weights(.mtlIBP, plain.merging(["alpha": 0]) { $1 })
    #expect(try none == weights(.pgd, [:]))
    let all = try weights(.mtlIBP, ["alpha": 1, "robust_weight": 0.7])
    #expect(try all == weights(.ibp, [:]))
    #expect(none != all)
  }

  /// With batch norm where asked for, and a box that grows over half of the epochs.
  private func small(_ method: TrainingMethod, _ model: ModelDescription) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.model = model
    run.settings.methodSettings = MethodSettings(method, ["ramp": 0.5])
    return run
  }

  @Test(
    "leave the same bytes on one thread and on two", arguments: [TrainingMethod.ibp, .mtlIBP], [Blobs.convolutional, Blobs.normalized])
  func threads(_ method: TrainingMethod, _ model: ModelDescription) throws {
    let (one, two) = (try small(method, model), try small(method, model))
    _ = try one.run(threads: 1)
    _ = try two.run(threads: 2)
    #expect(try one.files() == two.files())
  }

  @Test(
    "leave the same bytes when they are stopped and resumed", arguments: [TrainingMethod.ibp, .mtlIBP],
    [Blobs.convolutional, Blobs.normalized])
  func resumed(_ method: TrainingMethod, _ model: ModelDescription) throws {
    let whole = try small(method, model)
    _ = try whole.run()
    for questions in [12, 19, 27] {
      let broken = try small(method, model)
      let interruption = Interruption(after: questions)
      if (try? broken.run(control: { try interruption.ask() })) == nil { _ = try broken.run(resume: true) }
      #expect(try broken.files() == whole.files())
    }
  }

  @Test("an epoch with a box that has not grown to its full size leaves no best checkpoint")
  func candidates() throws {
    let run = try small(.ibp, Blobs.convolutional)
    run.settings.epochs = 4
    run.settings.methodSettings["ramp"] = 0.75
    let outcome = try run.run()
    #expect(outcome.selected.checkpoint.epoch == 2 + 4)
  }

  @Test("begin with weights of deviation √(2π)/fan-in, half of that behind a residual sum, and the usual ones in the last layer")
  func initialisation() throws {
    let description = ModelDescription(
      .layers([
        .conv(filters: 16, kernel: 3, padding: 1), .relu, .residual(layers: [.conv(filters: 16, kernel: 3, padding: 1)]), .relu,
        .conv(filters: 16, kernel: 3, padding: 1), .flatten, .linear(units: 3),
      ]))
    let graph = try description.graph(input: [8, 8, 16], classes: 3)
    let own = TrainingSettings(method: .ibp).initialLayout(of: graph)
    let deviation = Float((2 * Double.pi).squareRoot() / 144)
    let expected: [ParameterSpecification.Initial] = [
      .normal(deviation: deviation), .normal(deviation: deviation), .normal(deviation: deviation / 2), .uniform(fanIn: 1_024),
    ]
    let found = own.parameters.filter { $0.shape.rank > 1 }.map(\.initial)
    for (one, other) in zip(found, expected) {
      if case .normal(let a) = one, case .normal(let b) = other { #expect(abs(a - b) < 1e-7) } else { #expect(one == other) }
    }
    #expect(found.count == 4)
    #expect(own.parameters.map(\.name) == graph.layout.parameters.map(\.name))
    #expect(TrainingSettings(method: .ibp, settings: ["bound_init": false]).initialLayout(of: graph) == graph.layout)
    #expect(TrainingSettings(method: .pgd).initialLayout(of: graph) == graph.layout)
  }
}
