import Synchronization
import TensorEngine
import Testing

@Suite("Batch norm") struct BatchNormTests {
  /// Two batch norms, one before a ReLU and one after a residual sum, and a depthwise convolution between them.
  private let graph: Graph
  private let parameters: Parameters
  private let reference: ReferenceNetwork
  private let images: Tensor
  private let seed: Tensor
  /// More than a shard, and no multiple of it.
  private static let batch = 43

  init() throws {
    var graph = Graph(input: [3, 2, 2])
    func norm(_ name: String, _ channels: Int) -> BatchNorm {
      BatchNorm(
        weight: graph.parameter(name + ".weight", [channels], initial: .constant(1)),
        bias: graph.parameter(name + ".bias", [channels], initial: .constant(0)),
        mean: graph.parameter(name + ".running_mean", [channels], initial: .constant(0), isTrained: false),
        variance: graph.parameter(name + ".running_var", [channels], initial: .constant(1), isTrained: false))
    }
    let first = graph.parameter("first", [5, 2, 1, 1], initial: .uniform(fanIn: 2))
    try graph.append(Convolution(filters: 5, window: Window(1), weight: first, bias: nil), to: graph.output)
    try graph.append(norm("norm1", 5), to: graph.output)
    try graph.append(ReLU(), to: graph.output)
    let stem = graph.output
    let second = graph.parameter("second", [5, 1, 3, 3], initial: .uniform(fanIn: 9))
    try graph.append(Convolution(filters: 5, window: Window(3, padding: 1), groups: 5, weight: second, bias: nil), to: stem)
    try graph.append(Add(), to: graph.output, stem)
    try graph.append(norm("norm2", 5), to: graph.output)
    try graph.append(GlobalAveragePool(), to: graph.output)
    let last = graph.parameter("last", [3, 5], initial: .uniform(fanIn: 5))
    let bias = graph.parameter("last.bias", [3], initial: .uniform(fanIn: 5))
    try graph.append(Dense(units: 3, weight: last, bias: bias), to: graph.output)
    self.graph = graph

    func noise(_ count: Int, _ example: Int) -> [Float] {
      var stream = RandomStream(seed: 3, purpose: .sample, example: example)
      return (0..<count).map { _ in stream.uniform(-1, 1) }
    }
    parameters = Parameters(graph.layout)
    for id in graph.layout.ids {
      let parameter = graph.layout[id]
      let values = noise(parameter.shape.count, 100 + id.index)
      parameters[id] = Tensor(parameter.shape, values: parameter.name.hasSuffix("var") ? values.map { 1.5 + $0 } : values)
    }
    reference = ReferenceNetwork(graph, parameters)
    let shape = graph.inputShape.batched(Self.batch)
    // Far from 0, where a variance that is a difference of large numbers would show.
    images = Tensor(shape, values: noise(shape.count, 0).map { 20 + $0 })
    seed = Tensor([Self.batch, 3], values: noise(Self.batch * 3, 1))
  }

  private func examples(_ tensor: Tensor) -> [[Double]] { (0..<tensor.batch).map { tensor[example: $0].map(Double.init) } }

  private func expectClose(_ fast: [Float], _ expected: [Double], within tolerance: Double = 2e-4, _ what: Comment) {
    let scale = expected.reduce(1e-3) { max($0, abs($1)) }
    #expect(fast.count == expected.count, what)
    #expect(zip(fast, expected).allSatisfy { abs(Double($0) - $1) <= tolerance * scale }, what)
  }

  private struct Result: Equatable {
    var logits: [Float] = []
    var gradients: [Float] = []
    var parameters: [Float] = []
    var inputGradient: [Float] = []
  }

  /// A pass of the whole batch, on so many threads.
  private func pass(_ purpose: Purpose, threads: Int) throws -> Result {
    let weights = Parameters(graph.layout)
    weights.copy(from: parameters)
    let shards = graph.sharding.count(Self.batch)
    let session = try Session(Program(graph, for: purpose), parameters: weights, contexts: shards)
    let gradients = Gradients(graph.layout, sets: 1)
    let logits = Mutex([[Float]](repeating: [], count: shards))
    let inputGradients = logits.withLock { Mutex($0) }
    let (images, seed, graph) = (images, seed, graph)
    try session.pass(shards: shards, on: Engine(threads: threads), width: threads) { shard, context in
      context.begin(images.gathered(graph.sharding.range(shard, of: Self.batch)))
    } beginBackward: { shard, context in
      let answer = context.logits.values
      logits.withLock { $0[shard] = answer }
      let logitGradient = seed.gathered(graph.sharding.range(shard, of: Self.batch))
      if purpose.contains(.weightGradients) {
        context.beginBackward(logitGradient, into: gradients, set: shard)
      } else {
        context.beginBackward(logitGradient)
      }
    } end: { shard, context in
      guard purpose.contains(.inputGradient) else { return }
      let values = context.inputGradient.values
      inputGradients.withLock { $0[shard] = values }
    }
    return Result(
      logits: logits.withLock { $0.flatMap(\.self) }, gradients: purpose.contains(.weightGradients) ? gradients.reduced(sets: 1) : [],
      parameters: weights.withValues(Array.init), inputGradient: inputGradients.withLock { $0.flatMap(\.self) })
  }

  @Test("values and gradients of the weights are those of the statistics of the whole batch, whatever its shards")
  func training() throws {
    let result = try pass(.training, threads: 2)
    expectClose(result.logits, reference.ofBatch(examples(images)).flatMap(\.self), "logits")
    for parameter in graph.layout.ids where graph.layout[parameter].isTrained {
      let expected = reference.batchWeightGradient(parameter, examples(images), seeds: examples(seed))
      expectClose(Array(result.gradients[graph.layout.range(parameter)]), expected, "\(graph.layout[parameter].name)")
    }
  }

  @Test("the running statistics take over a tenth of the batch's, the variance without bias")
  func statistics() throws {
    let after = try pass(.training, threads: 2).parameters
    let network = ReferenceNetwork(try truncated(graph, after: 1), parameters)
    let values = network.ofBatch(examples(images))
    let norm = try #require(graph.nodes[2].operation as? BatchNorm)
    let (meanBefore, varianceBefore) = (parameters[norm.mean].values, parameters[norm.variance].values)
    for (channel, found) in network.statistics(values, channels: 5).enumerated() {
      let unbiased = found.variance * Double(found.count) / Double(found.count - 1)
      let mean = Double(after[graph.layout.range(norm.mean)][graph.layout.range(norm.mean).lowerBound + channel])
      let variance = Double(after[graph.layout.range(norm.variance)][graph.layout.range(norm.variance).lowerBound + channel])
      #expect(abs(mean - (0.9 * Double(meanBefore[channel]) + 0.1 * found.mean)) < 1e-4)
      #expect(abs(variance - (0.9 * Double(varianceBefore[channel]) + 0.1 * unbiased)) < 1e-4)
    }
  }

  /// The graph up to a node.
  private func truncated(_ whole: Graph, after last: Int) throws -> Graph {
    var graph = Graph(input: whole.inputShape)
    for parameter in whole.layout.parameters { _ = graph.parameter(parameter.name, parameter.shape, initial: parameter.initial) }
    for node in whole.nodes[1...last] {
      guard let convolution = node.operation as? Convolution else { continue }
      try graph.append(convolution, to: graph.output)
    }
    return graph
  }

  @Test("an attack on the batch takes the gradient through its statistics, and leaves the running ones")
  func attackOnBatch() throws {
    let result = try pass(.attackOnBatch, threads: 2)
    #expect(result.parameters == parameters.withValues(Array.init))
    let size = graph.inputShape.count
    for example in [0, 31, 32, Self.batch - 1] {
      let expected = reference.batchImageGradient(example, examples(images), seeds: examples(seed))
      expectClose(Array(result.inputGradient[example * size..<(example + 1) * size]), expected, within: 1e-3, "at image \(example)")
    }
  }

  @Test("an attack on one image uses the running statistics, folded into the convolutions", arguments: [true, false])
  func attack(isExact: Bool) throws {
    let context = try Session(Program(graph, for: .attack, isExact: isExact), parameters: parameters, contexts: 1)[0]
    let some = images.gathered(0..<9)
    expectClose(context.forward(some).values, examples(some).flatMap { reference($0) }, "logits")
    var gradient = Tensor(zeros: some.shape)
    context.backward(seed.gathered(0..<9), inputGradient: &gradient)
    for example in [0, 8] {
      let expected = reference.imageGradient(examples(some)[example], seed: examples(seed)[example])
      expectClose(Array(gradient[example: example]), expected, within: 1e-3, "at image \(example)")
    }
  }

  @Test("gradients of the weights with the running statistics are those of constants, and the statistics stay")
  func runningStatistics() throws {
    // Near 0, where a network with these statistics is not saturated.
    let some = Tensor(images.shape, values: images.values.map { $0 - 20 }).gathered(0..<9)
    for purpose in [Purpose.weightGradients, [.weightGradients, .inputGradient]] {
      let weights = Parameters(graph.layout)
      weights.copy(from: parameters)
      let context = try Session(Program(graph, for: purpose), parameters: weights, contexts: 1)[0]
      let gradients = Gradients(graph.layout, sets: 1)
      expectClose(context.forward(some).values, examples(some).flatMap { reference($0) }, "logits")
      context.backward(seed.gathered(0..<9), into: gradients, set: 0)
      let found = gradients.reduced(sets: 1)
      for parameter in graph.layout.ids where graph.layout[parameter].isTrained {
        let expected = reference.weightGradient(parameter, examples(some), seeds: examples(seed.gathered(0..<9)))
        expectClose(Array(found[graph.layout.range(parameter)]), expected, within: 1e-3, "\(graph.layout[parameter].name)")
      }
      #expect(weights.withValues(Array.init) == parameters.withValues(Array.init))
      guard purpose.contains(.inputGradient) else { continue }
      let expected = reference.imageGradient(examples(some)[8], seed: examples(seed)[8])
      expectClose(Array(context.inputGradient[example: 8]), expected, within: 1e-3, "at image 8")
    }
  }

  @Test("one backward pass gives the gradients of weights and images, each with the bits of the program for it alone")
  func bothGradients() throws {
    let both = try pass([.weightGradients, .inputGradient, .batchStatistics], threads: 2)
    let training = try pass(.training, threads: 2)
    #expect(both.logits == training.logits && both.gradients == training.gradients && both.parameters == training.parameters)
    #expect(try both.inputGradient == pass(.attackOnBatch, threads: 2).inputGradient)
  }

  @Test("a pass is the same bits on any number of threads", arguments: [Purpose.training, .attackOnBatch])
  func determinism(_ purpose: Purpose) throws {
    let alone = try pass(purpose, threads: 1)
    #expect(try pass(purpose, threads: 2) == alone)
    #expect(try pass(purpose, threads: 3) == alone)
  }
}
