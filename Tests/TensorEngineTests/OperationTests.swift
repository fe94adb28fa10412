import Testing

import TensorEngine

/// A small network in which one operation is under test, with odd sizes.
struct OperationCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let graph: Graph

  /// Whether no gradient depends on which side of an edge a value is, or on a softmax that weights as large as these make all but one.
  var isSmooth: Bool {
    !graph.nodes.contains {
      if case .leakyReLU? = ($0.operation as? Pointwise)?.function { return true }
      if case .clip? = ($0.operation as? Pointwise)?.function { return true }
      return $0.operation is ReLU || $0.operation is Softmax || ($0.operation as? Pooling)?.kind == .max || $0.operation is Attention
        || $0.operation is MedianFilter
    }
  }
}

/// The table: at least a row for each operation.
private let table: [OperationCase] = {
  func row(_ name: String, _ input: Shape, _ build: (inout Graph) throws -> Void) -> OperationCase {
    var graph = Graph(input: input)
    do { try build(&graph) } catch { preconditionFailure("\(name): \(error)") }
    return OperationCase(testDescription: name, graph: graph)
  }
  func conv(_ graph: inout Graph, _ filters: Int, _ window: Window, groups: Int = 1, bias: Bool = true, to node: Graph.NodeID? = nil) throws
  {
    let node = node ?? graph.output
    let channels = graph[node].shape[2] / groups
    let fanIn = channels * window.height * window.width
    let weight = graph.parameter(
      "conv\(node.index).weight", [filters, channels, window.height, window.width], initial: .uniform(fanIn: fanIn))
    let bias = bias ? graph.parameter("conv\(node.index).bias", [filters], initial: .uniform(fanIn: fanIn)) : nil
    try graph.append(Convolution(filters: filters, window: window, groups: groups, weight: weight, bias: bias), to: node)
  }
  func dense(_ graph: inout Graph, _ units: Int, bias: Bool = true) throws {
    let features = graph.outputShape.dimensions.last ?? 1
    let weight = graph.parameter("linear\(graph.output.index).weight", [units, features], initial: .uniform(fanIn: features))
    let bias = bias ? graph.parameter("linear\(graph.output.index).bias", [units], initial: .uniform(fanIn: features)) : nil
    try graph.append(Dense(units: units, weight: weight, bias: bias), to: graph.output)
  }
  func layerNorm(_ graph: inout Graph) throws {
    let width = graph.outputShape.dimensions.last ?? 1
    let weight = graph.parameter("norm.weight", [width], initial: .constant(1))
    let bias = graph.parameter("norm.bias", [width], initial: .constant(0))
    try graph.append(LayerNorm(weight: weight, bias: bias, epsilon: 1e-6), to: graph.output)
  }
  /// A weight of this shape as a value.
  func weight(_ graph: inout Graph, _ shape: Shape) throws -> Graph.NodeID {
    let weight = graph.parameter("value\(graph.output.index)", shape, initial: .constant(0))
    return try graph.append(WeightValue(weight, shape: shape), toAll: [])
  }
  /// A function between two layers, of values around 0; where it is defined above 0 alone, of their squares and 1.
  func pointwise(_ name: String, _ function: Pointwise.Function, isAboveZero: Bool = false) -> OperationCase {
    row(name, [13]) { g in
      try dense(&g, 11)
      if isAboveZero {
        try g.append(Pointwise(.power(2), label: "power"), to: g.output)
        try g.append(Pointwise(.scale(factor: 1, offset: 1), label: "scale"), to: g.output)
      }
      try g.append(Pointwise(function, label: name), to: g.output)
      try dense(&g, 3)
    }
  }
  return [
    pointwise("sigmoid", .sigmoid), pointwise("tanh", .tanh), pointwise("leaky relu", .leakyReLU(slope: 0.2)),
    pointwise("hard sigmoid", .hardSigmoid(slope: 0.2, offset: 0.5)), pointwise("hard swish", .hardSwish),
    pointwise("clip", .clip(-0.5...0.75)), pointwise("scale", .scale(factor: -1.5, offset: 0.25)), pointwise("square", .power(2)),
    pointwise("power", .power(1.5), isAboveZero: true), pointwise("square root", .squareRoot, isAboveZero: true),
    pointwise("reciprocal", .reciprocal, isAboveZero: true), pointwise("exponential", .exponential),
    pointwise("error function", .errorFunction),
    row("dilated convolution with padding", [7, 6, 3]) { try conv(&$0, 5, Window(3, padding: 2, dilation: 2)) },
    row("dilated convolution of 8 channels with a stride, and another dilation for each direction", [9, 8, 8]) {
      try conv(&$0, 6, Window(Extent(3), stride: 2, padding: 1, dilation: Extent(height: 1, width: 3)))
    },
    row("dilated depthwise convolution", [7, 6, 8]) { try conv(&$0, 8, Window(3, padding: 2, dilation: 2), groups: 8) },
    row("permute", [3, 4, 2]) { g in
      try conv(&g, 3, Window(2))
      try g.append(Permute([2, 0, 1]), to: g.output)
      try g.append(Permute([0, 2, 1]), to: g.output)
    },
    row("reshape, and a linear layer of each row", [3, 4, 2]) { g in
      try conv(&g, 4, Window(1))
      try g.append(ReLU(), to: g.output)
      try g.append(Reshape(to: [6, 8]), to: g.output)
      try dense(&g, 3)
    },
    row("slices with steps forwards and backwards", [5, 6, 3]) { g in
      try conv(&g, 5, Window(1))
      try g.append(Slice(axis: 2, start: 1, count: 2, step: 3), to: g.output)
      try g.append(Slice(axis: 1, start: 5, count: 3, step: -2), to: g.output)
    },
    row("a border of ones", [3, 4, 2]) { g in
      try conv(&g, 3, Window(1))
      try g.append(Pad(before: [1, 0, 0], after: [2, 1, 0], value: 1), to: g.output)
      try conv(&g, 2, Window(2))
    },
    row("larger and smaller by weighed pixels, on the same area", [3, 5, 2]) { g in
      try conv(&g, 3, Window(1))
      try g.append(LinearResize(height: 7, width: 3), to: g.output)
      try conv(&g, 2, Window(2))
    },
    row("larger by weighed pixels, with the corners on each other, and by places alone", [3, 4, 2]) { g in
      try conv(&g, 3, Window(1))
      try g.append(LinearResize(height: 5, width: 6, grid: .alignCorners), to: g.output)
      try g.append(LinearResize(height: 7, width: 4, grid: .asymmetric), to: g.output)
      try conv(&g, 2, Window(2))
    },
    row("expand", [1, 4, 1]) { g in
      try conv(&g, 3, Window(1))
      try g.append(Expand(to: [2, 4, 3]), to: g.output)
      try conv(&g, 2, Window(2))
    },
    row("means over dimensions", [3, 4, 2]) { g in
      try conv(&g, 3, Window(1))
      try g.append(Mean(over: [0, 2]), to: g.output)
    },
    row("concatenations, of which one input is read twice", [4, 3, 2]) { g in
      try conv(&g, 3, Window(1))
      let first = g.output
      try conv(&g, 2, Window(1), to: first)
      try g.append(Concatenate(axis: 2), toAll: [g.output, first, first])
      try g.append(Concatenate(axis: 0), toAll: [g.output, g.output])
    },
    row("sum, difference, product and quotient with repetition", [3, 4, 2]) { g in
      try conv(&g, 3, Window(1))
      let image = g.output
      try g.append(Mean(over: [0, 1]), to: image)
      let mean = g.output
      try g.append(Arithmetic(.multiply), to: image, mean)
      try g.append(Arithmetic(.subtract), to: g.output, mean)
      try g.append(Arithmetic(.add), to: mean, g.output)
      let above = try g.append(Pointwise(.exponential, label: "exp"), to: mean)
      try g.append(Arithmetic(.divide), to: image, above)
      let quotient = g.output
      try g.append(Arithmetic(.divide), to: mean, try g.append(Pointwise(.exponential, label: "exp"), to: image))
      try g.append(Arithmetic(.subtract), to: quotient, g.output)
    },
    row("a value by itself", [7]) { g in
      try dense(&g, 5)
      try g.append(Arithmetic(.multiply), to: g.output, g.output)
    },
    row("weights as values", [3, 4, 2]) { g in
      try conv(&g, 3, Window(1))
      let image = g.output
      let factors = try weight(&g, [1, 1, 3])
      try g.append(Arithmetic(.multiply), to: image, factors)
      let product = g.output
      let fixed = try weight(&g, [4, 1])
      try g.append(Arithmetic(.add), to: product, fixed)
      let sum = g.output
      let more = try weight(&g, [1, 4, 3])
      try g.append(Concatenate(axis: 0), toAll: [more, sum])
    },
    row("a product of matrices, and a softmax of each row", [3, 4, 2]) { g in
      try conv(&g, 6, Window(1))
      let left = g.output
      try g.append(Permute([0, 2, 1]), to: left)
      try g.append(MatrixProduct(), to: left, g.output)
      try g.append(Softmax(), to: g.output)
      try g.append(MatrixProduct(), to: g.output, left)
    },
    row("linear", [13]) { try dense(&$0, 5) },
    row("linear without bias", [7]) { try dense(&$0, 3, bias: false) },
    row("linear with relu", [9]) { g in
      try dense(&g, 11)
      try g.append(ReLU(), to: g.output)
      try dense(&g, 3)
    },
    row("linear, wide enough that zeros behind a relu are left out", [150]) { g in
      try dense(&g, 260)
      try g.append(ReLU(), to: g.output)
      try dense(&g, 200)
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
    row("median of 3×3 with a mirrored border", [5, 4, 2]) { g in
      try g.append(MedianFilter(size: 3), to: g.output)
      try conv(&g, 3, Window(2))
    },
    row("median of 5×5, larger than the image is high", [2, 6, 1]) { g in
      try g.append(MedianFilter(size: 5), to: g.output)
      try conv(&g, 3, Window(2))
    },
    row("blur with a mirrored border", [5, 4, 2]) { g in
      try g.append(GaussianBlur(deviation: 0.6), to: g.output)
      try conv(&g, 3, Window(2))
    },
    row("blur with a window larger than the image, behind a convolution", [3, 4, 2]) { g in
      try conv(&g, 3, Window(1))
      try g.append(GaussianBlur(deviation: 2, size: 9), to: g.output)
      try conv(&g, 2, Window(2))
    },
    row("dropout at rate 0", [6]) { g in
      try g.append(Dropout(rate: 0), to: g.output)
      try dense(&g, 4)
    },
    row("convolution with a stride and a padding of its own for each direction", [9, 6, 3]) {
      try conv(&$0, 4, Window(Extent(height: 4, width: 3), stride: Extent(height: 3, width: 1), padding: Extent(height: 0, width: 2)))
    },
    row("convolution of 16 channels with another stride for each direction", [6, 7, 16]) {
      try conv(&$0, 3, Window(Extent(3), stride: Extent(height: 1, width: 2), padding: 1))
    },
    row("convolution whose stride is longer than its window, and whose padding reaches over it", [7, 8, 2]) {
      try conv(&$0, 3, Window(2, stride: 3, padding: 2))
    },
    row("depthwise convolution with another window for each direction", [5, 7, 8]) {
      try conv(&$0, 8, Window(Extent(height: 1, width: 3), padding: Extent(height: 0, width: 1)), groups: 8)
    },
    row("max pooling with another window for each direction", [6, 7, 3]) { g in
      try conv(&g, 4, Window(1))
      try g.append(Pooling(.max, window: Window(Extent(height: 2, width: 3), stride: Extent(height: 2, width: 1))), to: g.output)
    },
    row("convolution of 8 channels with stride 2, odd size", [7, 5, 8]) { try conv(&$0, 6, Window(3, stride: 2, padding: 1)) },
    row("convolution 1×1 of 8 channels with stride 2, which skips pixels", [5, 6, 8]) {
      try conv(&$0, 5, Window(1, stride: 2), bias: false)
    },
    row("convolution of 6 channels with strides 2 and 3, and a window with a padding wider than itself", [7, 8, 6]) {
      try conv(&$0, 5, Window(Extent(height: 3, width: 2), stride: Extent(height: 2, width: 3), padding: Extent(height: 1, width: 2)))
    },
    row("linear of more features than a panel's part", [258]) { g in
      try dense(&g, 262)
      try dense(&g, 3)
    },
    row("convolution with relu and a sum that it makes on its way out", [5, 4, 16]) { g in
      let image = g.output
      try conv(&g, 16, Window(3, padding: 1))
      try g.append(ReLU(), to: g.output)
      try conv(&g, 16, Window(1))
      try g.append(Add(), to: image, g.output)
      try g.append(ReLU(), to: g.output)
      try conv(&g, 3, Window(2))
    },
    row("relu read by two convolutions, whose gradients are summed and masked", [5, 4, 3]) { g in
      try conv(&g, 16, Window(1))
      try g.append(ReLU(), to: g.output)
      let activated = g.output
      try conv(&g, 8, Window(1, stride: 2), to: activated)
      let side = g.output
      try conv(&g, 8, Window(3, stride: 2, padding: 1), to: activated)
      try g.append(Add(), to: g.output, side)
    },
    row("flatten after max pooling after relu", [4, 6, 2]) { g in
      try conv(&g, 5, Window(3, padding: 1))
      try g.append(ReLU(), to: g.output)
      try g.append(Pooling(.max, window: Window(2, stride: 2)), to: g.output)
      try g.append(Flatten(), to: g.output)
      try dense(&g, 4)
    },
    row("convolution 3×3 of 16 channels by Winograd's algorithm, odd size", [6, 7, 16]) { try conv(&$0, 16, Window(3, padding: 1)) },
    row("convolution 3×3 without padding by Winograd's algorithm", [8, 8, 16]) { try conv(&$0, 16, Window(3)) },
    row("convolution 5×5 of 16 channels by Winograd's algorithm, odd size", [6, 7, 16]) { try conv(&$0, 16, Window(5, padding: 2)) },
    row("depthwise convolution of 24 channels with relu6", [7, 6, 24]) { g in
      try conv(&g, 24, Window(3, padding: 1), groups: 24)
      try g.append(ReLU(ceiling: 6), to: g.output)
      try conv(&g, 5, Window(1))
    },
    row("depthwise convolution of 40 channels, 5×5, stride 2", [9, 8, 40]) { g in
      try conv(&g, 40, Window(5, stride: 2, padding: 2), groups: 40, bias: false)
    },
    row("max pooling side by side of 16 channels, odd size, after relu", [7, 9, 3]) { g in
      try conv(&g, 16, Window(3, padding: 1))
      try g.append(ReLU(), to: g.output)
      try g.append(Pooling(.max, window: Window(2, stride: 2)), to: g.output)
    },
    row("global average", [5, 3, 6]) { g in
      try conv(&g, 7, Window(1))
      try g.append(GlobalAveragePool(), to: g.output)
    },
    row("gelu", [5, 3, 2]) { g in
      try conv(&g, 3, Window(1))
      try g.append(Activation(.gelu), to: g.output)
    },
    row("silu", [13]) { g in
      try dense(&g, 11)
      try g.append(Activation(.silu), to: g.output)
      try dense(&g, 3)
    },
    row("layer norm of features", [13]) { g in
      try dense(&g, 11)
      try layerNorm(&g)
      try dense(&g, 3)
    },
    row("tokens of an image, layer norm, attention of 3 heads, the first of them", [3, 2, 5]) { g in
      try conv(&g, 12, Window(1))
      let whole = g.parameter("whole", [1, 1, 12], initial: .constant(0))
      let positions = g.parameter("positions", [1, 7, 12], initial: .constant(0))
      try g.append(Tokens(whole: whole, positions: positions), to: g.output)
      try layerNorm(&g)
      try dense(&g, 36)
      try g.append(Attention(heads: 3), to: g.output)
      try dense(&g, 9)
      try g.append(FirstToken(), to: g.output)
    },
    row("values so large that a shard is split into micro-batches of 8, and then no longer", [24, 24, 1]) { g in
      try conv(&g, 32, Window(1))
      try g.append(ReLU(), to: g.output)
      try g.append(Pooling(.max, window: Window(2, stride: 2)), to: g.output)
      try conv(&g, 4, Window(1))
      let stem = g.output
      try g.append(Pooling(.average, window: Window(2, stride: 2)), to: stem)
      let branch = g.output
      try g.append(Pooling(.average, window: Window(2, stride: 2)), to: stem)
      try g.append(Add(), to: branch, g.output)
      try g.append(GlobalAveragePool(), to: g.output)
      try dense(&g, 3)
    },
    row("micro-batches with an activation mask of a relu", [24, 24, 1]) { g in
      try conv(&g, 32, Window(1))
      try g.append(ReLU(), to: g.output)
      try conv(&g, 32, Window(3, stride: 2, padding: 1), groups: 32)
      try g.append(ReLU(), to: g.output)
      try conv(&g, 8, Window(1))
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
  /// Those whose weights and values are few enough for differences one by one; gradients of weights know no kernel that the others add.
  static let small = table.filter { row in
    row.graph.layout.count <= 1_000 && row.graph.nodes.allSatisfy { $0.shape.count <= 8_000 }
  }

  /// One image, a shard that is not full, and a full one.
  static let batches = [1, 5, Sharding.largest]

  private func prepare(_ row: OperationCase, batch: Int) -> (Parameters, ReferenceNetwork, Tensor, [[Double]]) {
    let parameters = Parameters(row.graph.layout)
    for parameter in row.graph.layout.ids {
      let shape = row.graph.layout[parameter].shape
      parameters[parameter] = Tensor(shape, values: random(shape.count, 1000 + parameter.index))
    }
    let reference = ReferenceNetwork(row.graph, parameters)
    let images = Tensor(row.graph.inputShape.batched(batch), values: (0..<batch).flatMap { random(row.graph.inputShape.count, $0) })
    return (parameters, reference, images, (0..<batch).map { images[example: $0].map(Double.init) })
  }

  @Test("a value agrees with the reference", arguments: table, batches) func forward(row: OperationCase, batch: Int) throws {
    let (parameters, reference, images, examples) = prepare(row, batch: batch)
    for purpose in [Purpose.inference, .attack] {
      let context = try Session(Program(row.graph, for: purpose), parameters: parameters, contexts: 1)[0]
      expectClose(context.forward(images).values, examples.flatMap { reference($0) }, "\(purpose)")
    }
  }

  @Test("in bfloat16 a value and its gradient at the image are within a hundredth of the reference", arguments: table, [1, 5])
  func half(row: OperationCase, batch: Int) throws {
    let (parameters, reference, images, examples) = prepare(row, batch: batch)
    let context = try Session(Program(row.graph, for: .attack, isBF16: true), parameters: parameters, contexts: 1)[0]
    let value = context.forward(images).values
    expectClose(value, examples.flatMap { reference($0) }, within: 1e-2, "the value")
    let exact = try Session(Program(row.graph, for: .attack, isExact: true), parameters: parameters, contexts: 1)[0]
    let seed = Tensor(
      row.graph.outputShape.batched(batch), values: (0..<batch).flatMap { random(row.graph.outputShape.count, 500 + $0) })
    var (gradient, expected) = (Tensor(zeros: images.shape), Tensor(zeros: images.shape))
    _ = exact.forward(images)
    exact.backward(seed, inputGradient: &expected)
    context.backward(seed, inputGradient: &gradient)
    // Where rounding takes a value over the edge of a ReLU or to another maximum, the gradient takes another way: by the norm, not one by one.
    let distance = zip(gradient.values, expected.values).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }.squareRoot()
    let length = expected.values.reduce(0) { $0 + Double($1 * $1) }.squareRoot()
    #expect(distance <= (row.isSmooth ? 1e-2 : 0.1) * max(length, 1e-3), "the gradient is \(distance) away of \(length)")
  }

  @Test("a shard of large values is split into micro-batches, one of small values is not") func microBatches() throws {
    let graph = try #require(table.first { $0.testDescription.hasPrefix("micro-batches") }).graph
    let attack = try Program(graph, for: .attack)
    #expect(Set(attack.microBatchSizes) == [8, Sharding.largest] && attack.microBatchSizes.first == 8)
    #expect(try Program(graph, for: .training).microBatchSizes.allSatisfy { $0 == Sharding.largest })
  }

  /// Gradients of very different sizes, as a batch has them whose examples are right with certainty or wrong.
  @Test("an example comes out the same to the bit whatever its neighbours in the shard", arguments: table, [false, true])
  func neighbours(row: OperationCase, isBF16: Bool) throws {
    let (parameters, _, images, _) = prepare(row, batch: Sharding.largest)
    let program = try Program(row.graph, for: .attack, isBF16: isBF16)
    let context = try Session(program, parameters: parameters, contexts: 1)[0]
    func pass(_ images: Tensor) -> (value: ArraySlice<Float>, gradient: ArraySlice<Float>) {
      let value = context.forward(images)
      var seed = value
      for index in seed.values.indices { seed.values[index] = index < seed.stride ? 1e-7 : 1 }
      var gradient = Tensor(zeros: images.shape)
      context.backward(seed, inputGradient: &gradient)
      return (value[example: 0], gradient[example: 0])
    }
    let (alone, among) = (pass(images.gathered(0..<1)), pass(images.gathered(0..<program.sharding.size)))
    #expect(alone.value == among.value)
    #expect(alone.gradient == among.gradient)
  }

  @Test("a NaN in an image reaches its own result and no other", arguments: table, [false, true])
  func notANumber(row: OperationCase, isBF16: Bool) throws {
    let (parameters, _, clean, _) = prepare(row, batch: 3)
    var images = clean
    for index in images.values.indices where index / images.stride == 1 { images.values[index] = .nan }
    let value = try Session(Program(row.graph, for: .attack, isBF16: isBF16), parameters: parameters, contexts: 1)[0].forward(images)
    // A maximum over windows is that of the numbers in it, and so is the ReLU of the library's convolution.
    let hidesIt = row.graph.nodes.contains { ($0.operation as? Pooling)?.kind == .max } || row.testDescription.hasSuffix("5×5, relu")
    #expect(hidesIt || value[example: 1].contains(where: \.isNaN))
    #expect(value[example: 0].allSatisfy(\.isFinite) && value[example: 2].allSatisfy(\.isFinite))
  }

  @Test("a weight that is no finite number is multiplied by zeros too", arguments: [Float.infinity, .nan])
  func notANumber(weight: Float) throws {
    let row = try #require(table.first { $0.testDescription.hasPrefix("linear, wide") })
    let (parameters, _, images, _) = prepare(row, batch: 20)
    // What goes into the first hidden unit is less than 0: the next layer has a zero from it.
    for feature in 0..<150 { parameters[ParameterID(0)].values[feature] = 0 }
    parameters[ParameterID(1)].values[0] = -1
    let clean = try Session(Program(row.graph, for: .attack), parameters: parameters, contexts: 1)[0].forward(images)
    #expect(clean.values.allSatisfy { $0.isFinite })
    parameters[ParameterID(2)].values[0] = weight
    let value = try Session(Program(row.graph, for: .attack), parameters: parameters, contexts: 1)[0].forward(images)
    #expect(value.values.allSatisfy { $0.isNaN })
  }

  @Test("a gradient at the image agrees with differences of the reference", arguments: table, batches) func inputGradient(
    row: OperationCase, batch: Int
  ) throws {
    let (parameters, reference, images, examples) = prepare(row, batch: batch)
    let context = try Session(Program(row.graph, for: .attack), parameters: parameters, contexts: 1)[0]
    let seed = Tensor(
      row.graph.outputShape.batched(batch), values: (0..<batch).flatMap { random(row.graph.outputShape.count, 500 + $0) })
    var gradient = Tensor(zeros: images.shape)
    _ = context.forward(images)
    context.backward(seed, inputGradient: &gradient)
    for example in Set([0, batch - 1]) {  // the others stand between the two in the same kernels
      let expected = reference.imageGradient(examples[example], seed: seed[example: example].map(Double.init))
      expectClose(Array(gradient[example: example]), expected, "at image \(example)")
    }
  }

  @Test("a gradient of a weight agrees with differences of the reference", arguments: small, [1, 3]) func weightGradients(
    row: OperationCase, batch: Int
  ) throws {
    let (parameters, reference, images, examples) = prepare(row, batch: batch)
    let context = try Session(Program(row.graph, for: .training), parameters: parameters, contexts: 1)[0]
    let seed = Tensor(
      row.graph.outputShape.batched(batch), values: (0..<batch).flatMap { random(row.graph.outputShape.count, 500 + $0) })
    let gradients = Gradients(row.graph.layout, sets: 1)
    _ = context.forward(images)
    context.backward(seed, into: gradients, set: 0)
    let sums = gradients.reduced(sets: 1)
    let seeds = (0..<batch).map { seed[example: $0].map(Double.init) }
    let layout = row.graph.layout
    for parameter in layout.ids {
      let expected = reference.weightGradient(parameter, examples, seeds: seeds)
      expectClose(Array(sums[layout.range(parameter)]), expected, "\(layout[parameter].name)")
    }
  }

  @Test("one backward pass gives the gradients of weights and images", arguments: small) func bothGradients(row: OperationCase) throws {
    let (parameters, reference, images, examples) = prepare(row, batch: 3)
    func session(_ purpose: Purpose) throws -> Session {
      try Session(Program(row.graph, for: purpose), parameters: parameters, contexts: 1)
    }
    let seed = Tensor(row.graph.outputShape.batched(3), values: (0..<3).flatMap { random(row.graph.outputShape.count, 500 + $0) })
    func weightGradients(_ context: ExecutionContext) -> [Float] {
      let gradients = Gradients(row.graph.layout, sets: 1)
      _ = context.forward(images)
      context.backward(seed, into: gradients, set: 0)
      return gradients.reduced(sets: 1)
    }
    let both = try session([.weightGradients, .inputGradient, .dropout])[0]
    #expect(try weightGradients(both) == weightGradients(session(.training)[0]))
    for example in 0..<3 {
      let expected = reference.imageGradient(examples[example], seed: seed[example: example].map(Double.init))
      expectClose(Array(both.inputGradient[example: example]), expected, "at image \(example)")
    }
  }
}
