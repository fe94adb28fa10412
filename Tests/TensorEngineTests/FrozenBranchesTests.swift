import TensorEngine
import Testing

@Suite("A network with frozen branches") struct FrozenBranchesTests {
  /// Every operation that has branches, a pooling whose windows overlap, and a residual.
  private func network() throws -> Graph {
    var graph = Graph(input: [7, 7, 2])
    func conv(_ name: String, _ filters: Int, to node: Graph.NodeID) throws {
      let channels = graph[node].shape[2]
      let weight = graph.parameter(name + ".weight", [filters, channels, 3, 3], initial: .uniform(fanIn: channels * 9))
      let bias = graph.parameter(name + ".bias", [filters], initial: .uniform(fanIn: channels * 9))
      try graph.append(Convolution(filters: filters, window: Window(3, padding: 1), weight: weight, bias: bias), to: node)
    }
    try conv("0", 5, to: graph.output)
    try graph.append(ReLU(), to: graph.output)
    try graph.append(Pooling(.max, window: Window(3, stride: 2, padding: 1)), to: graph.output)
    let branch = graph.output
    try conv("3", 5, to: branch)
    try graph.append(Add(), to: graph.output, branch)
    try graph.append(ReLU(ceiling: 6), to: graph.output)
    try graph.append(Pooling(.max, window: Window(2, stride: 2)), to: graph.output)
    try graph.append(Flatten(), to: graph.output)
    try graph.append(Dropout(rate: 0.25), to: graph.output)
    let features = graph.outputShape.count
    let weight = graph.parameter("9.weight", [4, features], initial: .uniform(fanIn: features))
    try graph.append(Dense(units: 4, weight: weight, bias: nil), to: graph.output)
    return graph
  }

  private func noise(_ shape: Shape, _ example: Int, scale: Float = 1) -> Tensor {
    var stream = RandomStream(seed: 3, purpose: .noise, example: example)
    return Tensor(shape, values: (0..<shape.count).map { _ in scale * stream.uniform(-1, 1) })
  }

  private let draws = DrawKey(seed: 1, epoch: 2, examples: Array(10..<15))

  private func parameters(_ graph: Graph) -> Parameters {
    let parameters = Parameters(graph.layout)
    for parameter in graph.layout.ids {
      let shape = graph.layout[parameter].shape
      parameters[parameter] = noise(shape, 100 + parameter.index, scale: shape.rank > 1 ? 0.6 : 0.2)
    }
    return parameters
  }

  /// Each image and, behind it, the moved one.
  private func pairs(_ images: Tensor, _ moved: Tensor) -> Tensor {
    Tensor([images.batch, 14, 7, 2], values: (0..<images.batch).flatMap { images[example: $0] + moved[example: $0] })
  }

  @Test("says of an image that has not moved what the network says, and learns from it the same") func unmoved() throws {
    let graph = try network()
    let frozen = try graph.withFrozenBranches()
    #expect(frozen.layout == graph.layout && frozen.sharding == graph.sharding)
    let parameters = parameters(graph)
    let own = try Session(Program(graph, for: .training), parameters: parameters, contexts: 1)[0]
    let other = try Session(Program(frozen, for: .training), parameters: parameters, contexts: 1)[0]
    let images = noise([5, 7, 7, 2], 1)
    let (logits, logitsOfOther) = (own.forward(images, draws: draws), other.forward(pairs(images, images), draws: draws))
    #expect(zip(logits.values, logitsOfOther.values).allSatisfy { abs($0 - $1) < 1e-5 })
    let seed = noise([5, 4], 2)
    let (gradients, ofOther) = (Gradients(graph.layout, sets: 1), Gradients(graph.layout, sets: 1))
    own.backward(seed, into: gradients, set: 0)
    other.backward(seed, into: ofOther, set: 0)
    let (sums, sumsOfOther) = (gradients.reduced(sets: 1), ofOther.reduced(sets: 1))
    #expect(sums.contains { abs($0) > 0.1 })
    #expect(zip(sums, sumsOfOther).allSatisfy { abs($0 - $1) < 1e-4 })
  }

  @Test("is linear in the moved image, where the network is not") func linear() throws {
    let graph = try network()
    let parameters = parameters(graph)
    let own = try Session(Program(graph, for: .training), parameters: parameters, contexts: 1)[0]
    let other = try Session(Program(graph.withFrozenBranches(), for: .training), parameters: parameters, contexts: 1)[0]
    let (images, step) = (noise([5, 7, 7, 2], 1), noise([5, 7, 7, 2], 4))
    func moved(_ times: Float) -> Tensor {
      var moved = images
      moved.add(times, times: step)
      return moved
    }
    /// How far the values at one, two and three steps are from a line.
    func bend(_ value: (Tensor) -> Tensor) -> Float {
      let values = (1...3).map { value(moved(Float($0))).values }
      return values[0].indices.reduce(0) { max($0, abs(values[0][$1] - 2 * values[1][$1] + values[2][$1])) }
    }
    #expect(bend { other.forward(pairs(images, $0), draws: draws) } < 1e-4)
    #expect(bend { own.forward($0, draws: draws) } > 0.05)
  }

  @Test("there is none of a network whose gradient is a stand-in") func refused() throws {
    var graph = Graph(input: [7, 7, 1])
    try graph.append(BitDepth(bits: 4), to: graph.output)
    #expect {
      try graph.withFrozenBranches()
    } throws: { "\($0)".contains("bit_depth cannot be differentiated again") }
  }
}
