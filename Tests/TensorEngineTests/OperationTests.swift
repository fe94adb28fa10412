import Testing

import TensorEngine

/// A small network in which one operation is under test, with odd sizes.
struct OperationCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let graph: Graph
}

/// The table: at least a row for each operation.
private let table: [OperationCase] = {
  func row(_ name: String, _ input: Shape, _ build: (inout Graph) throws -> Void) -> OperationCase {
    var graph = Graph(input: input)
    do { try build(&graph) } catch { preconditionFailure("\(name): \(error)") }
    return OperationCase(testDescription: name, graph: graph)
  }
  func conv(_ graph: inout Graph, _ filters: Int, _ window: Window, groups: Int = 1, bias: Bool = true, to node: Int? = nil) throws {
    let node = node ?? graph.output
    let channels = graph.nodes[node].shape[2] / groups
    let fanIn = channels * window.height * window.width
    let weight = graph.parameter("conv\(node).weight", [filters, channels, window.height, window.width], initial: .uniform(fanIn: fanIn))
    let bias = bias ? graph.parameter("conv\(node).bias", [filters], initial: .uniform(fanIn: fanIn)) : nil
    try graph.append(Convolution(filters: filters, window: window, groups: groups, weight: weight, bias: bias), to: node)
  }
  func dense(_ graph: inout Graph, _ units: Int, bias: Bool = true) throws {
    let features = graph.outputShape.count
    let weight = graph.parameter("linear\(graph.output).weight", [units, features], initial: .uniform(fanIn: features))
    let bias = bias ? graph.parameter("linear\(graph.output).bias", [units], initial: .uniform(fanIn: features)) : nil
    try graph.append(Dense(units: units, weight: weight, bias: bias), to: graph.output)
  }
  return [
    row("linear", [13]) { try dense(&$0, 5) },
    row("linear without bias", [7]) { try dense(&$0, 3, bias: false) },
    row("linear with relu", [9]) { g in
      try dense(&g, 11)
      try g.append(ReLU(), to: g.output)
      try dense(&g, 3)
    },
    row("convolution of one channel", [7, 5, 1]) { try conv(&$0, 4, Window(3, padding: 1)) },
    row("convolution of three channels, even window, stride 2, padding", [7, 5, 3]) {
      try conv(&$0, 6, Window(4, stride: 2, padding: 1))
    },
    row("convolution 1×1 without bias", [3, 4, 10]) { try conv(&$0, 7, Window(1), bias: false) },
    row("convolution of 8 channels, 5×5, relu", [6, 7, 8]) { g in
      try conv(&g, 16, Window(5, padding: 2))
      try g.append(ReLU(), to: g.output)
      try conv(&g, 2, Window(3))
    },
    row("grouped convolution", [5, 6, 8]) { try conv(&$0, 12, Window(3, padding: 1), groups: 4) },
    row("depthwise convolution", [6, 5, 9]) { try conv(&$0, 9, Window(3, stride: 2, padding: 1), groups: 9) },
    row("max pooling", [7, 5, 3]) { g in
      try conv(&g, 5, Window(1))
      try g.append(Pooling(.max, window: Window(2, stride: 2)), to: g.output)
    },
    row("max pooling with overlap and padding", [7, 5, 3]) { g in
      try conv(&g, 5, Window(1))
      try g.append(Pooling(.max, window: Window(3, stride: 2, padding: 1)), to: g.output)
    },
    row("average pooling with padding", [7, 5, 3]) { g in
      try conv(&g, 5, Window(1))
      try g.append(Pooling(.average, window: Window(3, stride: 2, padding: 1)), to: g.output)
    },
    row("relu of the image", [4, 3, 2]) { g in
      try g.append(ReLU(), to: g.output)
      try g.append(Flatten(), to: g.output)
      try dense(&g, 3)
    },
    row("flatten", [3, 2, 4]) { g in
      try g.append(Flatten(), to: g.output)
      try dense(&g, 3)
    },
    row("normalisation", [3, 2, 2]) { g in
      try g.append(Normalize(mean: [0.1, 0.7], deviation: [0.3, 2]), to: g.output)
      try conv(&g, 3, Window(2))
    },
    row("dropout at rate 0", [6]) { g in
      try g.append(Dropout(rate: 0), to: g.output)
      try dense(&g, 4)
    },
    row("residual sum read three times", [4, 4, 3]) { g in
      try conv(&g, 3, Window(1))
      let stem = g.output
      try conv(&g, 3, Window(3, padding: 1), to: stem)
      let branch = g.output
      try g.append(Add(), to: branch, stem)
      try g.append(ReLU(), to: g.output)
      try g.append(Add(), to: g.output, stem)
    },
  ]
}()

private func random(_ count: Int, _ example: Int) -> [Float] {
  var stream = RandomStream(seed: 7, purpose: .sample, example: example)
  return (0..<count).map { _ in stream.uniform(-1, 1) }
}

private func expectClose(_ fast: [Float], _ reference: [Double], within tolerance: Double = 1e-4, _ what: Comment) {
  #expect(fast.count == reference.count, what)
  let scale = reference.reduce(1e-3) { max($0, abs($1)) }
  let worst = zip(fast, reference).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
  #expect(worst <= tolerance * scale, what)
}

@Suite("Operations agree with plain loops in double precision") struct OperationTests {
  /// One image, a shard that is not full, and a full one.
  static let batches = [1, 5, Shard.largest]

  private func prepare(_ row: OperationCase, batch: Int) -> (Parameters, ReferenceNetwork, Tensor, [[Double]]) {
    let parameters = Parameters(row.graph.layout)
    for index in row.graph.layout.parameters.indices {
      let shape = row.graph.layout.parameters[index].shape
      parameters[index] = Tensor(shape, values: random(shape.count, 1000 + index))
    }
    let reference = ReferenceNetwork(
      graph: row.graph, weights: row.graph.layout.parameters.indices.map { parameters[$0].values.map(Double.init) })
    let images = Tensor(row.graph.inputShape.batched(batch), values: (0..<batch).flatMap { random(row.graph.inputShape.count, $0) })
    return (parameters, reference, images, (0..<batch).map { images[example: $0].map(Double.init) })
  }

  @Test("The value", arguments: table, batches) func forward(row: OperationCase, batch: Int) throws {
    let (parameters, reference, images, examples) = prepare(row, batch: batch)
    for purpose in [Purpose.inference, .attack] {
      let lane = try Session(Program(row.graph, for: purpose), parameters: parameters, lanes: 1)[0]
      expectClose(lane.forward(images).values, examples.flatMap { reference($0) }, "\(purpose)")
    }
  }

  @Test("The gradient at the image", arguments: table, batches) func inputGradient(row: OperationCase, batch: Int) throws {
    let (parameters, reference, images, examples) = prepare(row, batch: batch)
    let lane = try Session(Program(row.graph, for: .attack), parameters: parameters, lanes: 1)[0]
    let seed = Tensor(
      row.graph.outputShape.batched(batch), values: (0..<batch).flatMap { random(row.graph.outputShape.count, 500 + $0) })
    var gradient = Tensor(zeros: images.shape)
    _ = lane.forward(images)
    lane.backward(seed, inputGradient: &gradient)
    for example in Set([0, batch - 1]) {  // the others stand between the two in the same kernels
      let expected = reference.imageGradient(examples[example], seed: seed[example: example].map(Double.init))
      expectClose(Array(gradient[example: example]), expected, "at image \(example)")
    }
  }

  @Test("The gradient of every weight", arguments: table, [1, 3]) func weightGradients(row: OperationCase, batch: Int) throws {
    let (parameters, reference, images, examples) = prepare(row, batch: batch)
    let lane = try Session(Program(row.graph, for: .training), parameters: parameters, lanes: 1)[0]
    let seed = Tensor(
      row.graph.outputShape.batched(batch), values: (0..<batch).flatMap { random(row.graph.outputShape.count, 500 + $0) })
    let gradients = Gradients(row.graph.layout, shards: 1)
    _ = lane.forward(images)
    lane.backward(seed, into: gradients, shard: 0)
    let sums = gradients.reduced(shards: 1)
    let seeds = (0..<batch).map { seed[example: $0].map(Double.init) }
    for (index, parameter) in row.graph.layout.parameters.enumerated() {
      expectClose(
        Array(sums[row.graph.layout.range(index)]), reference.weightGradient(index, examples, seeds: seeds), "\(parameter.name)")
    }
  }
}
