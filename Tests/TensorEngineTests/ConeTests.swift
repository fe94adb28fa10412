import TensorEngine
import Testing

/// A network whose answers near known images are computed in part.
private struct ConeNetwork: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let graph: Graph
  /// Of the squares that change.
  let side: Int

  static let all = [
    network("strides and borders", [28, 28, 1], side: 3) { g in
      try convolution(&g, 16, Window(4, stride: 2, padding: 1))
      try g.append(ReLU(), to: g.output)
      try convolution(&g, 32, Window(4, stride: 2, padding: 1))
      try g.append(ReLU(), to: g.output)
      try linear(&g, 100)
      try g.append(ReLU(), to: g.output)
      try linear(&g, 10)
    },
    network("maximum pooling, a part of the last column and row left out", [29, 21, 3], side: 2) { g in
      try g.append(Normalize(mean: [0.5, 0.4, 0.3], deviation: [0.2, 0.3, 0.4]), to: g.output)
      try convolution(&g, 8, Window(5, padding: 2))
      try g.append(ReLU(), to: g.output)
      try g.append(Pooling(.max, window: Window(2, stride: 2)), to: g.output)
      try convolution(&g, 12, Window(3, padding: 1))
      try g.append(Activation(.silu), to: g.output)
      try g.append(Pooling(.average, window: Window(3, stride: 2, padding: 1)), to: g.output)
      try linear(&g, 7)
    },
    network("batch norm, and a window wider than high", [24, 31, 2], side: 2) { g in
      try convolution(&g, 6, Window(Extent(height: 2, width: 5), stride: Extent(height: 2, width: 3), padding: Extent(height: 0, width: 2)))
      try norm(&g)
      try g.append(ReLU(), to: g.output)
      try convolution(&g, 10, Window(1))
      try linear(&g, 33)
      try norm(&g)
      try g.append(ReLU(), to: g.output)
      try linear(&g, 4)
    },
    network("linear layers alone", [9, 7, 3], side: 4) { g in
      try linear(&g, 40)
      try g.append(ReLU(), to: g.output)
      try linear(&g, 5)
    },
    network("one linear layer", [8, 8, 1], side: 2) { g in try linear(&g, 5) },
    network("a stride that leaves pixels unseen", [20, 20, 1], side: 1) { g in
      try convolution(&g, 4, Window(2, stride: 3))
      try linear(&g, 3)
    },
  ]

  private static func network(_ name: String, _ input: Shape, side: Int, _ build: (inout Graph) throws -> Void) -> ConeNetwork {
    var graph = Graph(input: input)
    do { try build(&graph) } catch { preconditionFailure("\(name): \(error)") }
    return ConeNetwork(testDescription: name, graph: graph, side: side)
  }

  static func convolution(_ g: inout Graph, _ filters: Int, _ window: Window) throws {
    let channels = g[g.output].shape[2]
    let fanIn = channels * window.height * window.width
    let weight = g.parameter("weight", [filters, channels, window.height, window.width], initial: .uniform(fanIn: fanIn))
    let bias = g.parameter("bias", [filters], initial: .uniform(fanIn: fanIn))
    try g.append(Convolution(filters: filters, window: window, weight: weight, bias: bias), to: g.output)
  }

  static func linear(_ g: inout Graph, _ units: Int) throws {
    if g[g.output].shape.rank == 3 { try g.append(Flatten(), to: g.output) }
    let features = g[g.output].shape.count
    let weight = g.parameter("weight", [units, features], initial: .uniform(fanIn: features))
    let bias = g.parameter("bias", [units], initial: .uniform(fanIn: features))
    try g.append(Dense(units: units, weight: weight, bias: bias), to: g.output)
  }

  static func norm(_ g: inout Graph) throws {
    let shape: Shape = [g[g.output].shape.dimensions.last ?? 1]
    let ids = ["weight", "bias", "mean", "var"].map { g.parameter($0, shape, initial: .constant(1)) }
    try g.append(BatchNorm(weight: ids[0], bias: ids[1], mean: ids[2], variance: ids[3]), to: g.output)
  }

  /// Random weights, with biases, means and variances that are not usual ones.
  var parameters: Parameters {
    let parameters = Parameters(graph.layout)
    for id in graph.layout.ids {
      let specification = graph.layout[id]
      let scale: Float = if case .uniform(let fanIn) = specification.initial { 1.7 / Float(fanIn).squareRoot() } else { 0.3 }
      let values = random(specification.shape.count, id.index).map { $0 * scale + (specification.name == "var" ? 1 : 0) }
      parameters[id] = Tensor(specification.shape, values: values)
    }
    return parameters
  }
}

private func random(_ count: Int, _ number: Int) -> [Float] {
  var stream = RandomStream(seed: 9, purpose: .sample, example: number)
  return (0..<count).map { _ in stream.uniform(-1, 1) }
}

@Suite("Answers near known images") struct ConeTests {
  /// 40 images, more than a shard, with a change each: in a corner, at an edge, inside.
  private func change(_ images: Tensor, _ rows: [Int], side: Int, round: Int) -> (candidates: Tensor, places: [Place]) {
    var candidates = images.gathered(rows)
    let (height, width, channels) = (images.shape[1], images.shape[2], images.shape[3])
    let places = rows.map { row in
      var stream = RandomStream(seed: 1, purpose: .sample, epoch: round, example: row)
      let corner = row % 4 == round % 4
      return Place(
        row: corner ? row % 8 / 4 * (height - side) : Int(stream.uniform(0, Float(height - side + 1) - 0.01)),
        column: corner ? row % 2 * (width - side) : Int(stream.uniform(0, Float(width - side + 1) - 0.01)))
    }
    for (index, place) in places.enumerated() {
      let pixels = random(side * side * channels, 1000 + 50 * round + rows[index])
      for position in pixels.indices {
        let (y, x) = (place.row + position / (side * channels), place.column + position / channels % side)
        candidates.values[index * candidates.stride + (y * width + x) * channels + position % channels] = pixels[position]
      }
    }
    return (candidates, places)
  }

  @Test("they agree with plain loops over the whole network, also after candidates have been kept", arguments: ConeNetwork.all)
  private func agrees(network: ConeNetwork) throws {
    let (graph, parameters) = (network.graph, network.parameters)
    let reference = ReferenceNetwork(graph, parameters)
    var known = Tensor(graph.inputShape.batched(40), values: random(40 * graph.inputShape.count, 500))
    let program = try #require(ConeProgram(graph))
    let cone = try #require(try Cone(program, ConeWeights(program, parameters), images: known, side: network.side))
    for round in 0..<4 {
      // All, then some in another order.
      let rows = round == 0 ? Array(0..<40) : (0..<40).filter { $0 % 3 != round % 3 }.reversed()
      let (candidates, places) = change(known, rows, side: network.side, round: round)
      let logits = cone.logits(of: candidates, changing: rows, at: places)
      for row in rows.indices {
        let expected = reference(candidates[example: row].map(Double.init))
        let scale = expected.reduce(1e-3) { max($0, abs($1)) }
        for (logit, exact) in zip(logits[example: row], expected) { #expect(abs(Double(logit) - exact) <= 1e-4 * scale) }
      }
      let better = rows.indices.filter { $0 % 2 == round % 2 }
      cone.keep(better)
      for row in better { known[example: rows[row]] = candidates[example: row] }
    }
  }

  @Test("an image has the same bits beside any others") func neighbours() throws {
    let network = ConeNetwork.all[0]
    let known = Tensor(network.graph.inputShape.batched(40), values: random(40 * network.graph.inputShape.count, 500))
    let program = try #require(ConeProgram(network.graph))
    let weights = ConeWeights(program, network.parameters)
    let all = try #require(try Cone(program, weights, images: known, side: 3))
    let few = try #require(try Cone(program, weights, images: known.gathered([37, 5]), side: 3))
    let (candidates, places) = change(known, Array(0..<40), side: 3, round: 0)
    let (some, own) = (all.logits(of: candidates, changing: Array(0..<40), at: places), [37, 5])
    let alone = few.logits(of: candidates.gathered(own), changing: [0, 1], at: own.map { places[$0] })
    for (row, image) in own.enumerated() { #expect(alone[example: row] == some[example: image]) }
  }

  @Test("a network that is no chain, or that sums over the image otherwise, has none") func refused() throws {
    var residual = Graph(input: [8, 8, 2])
    try residual.append(ReLU(), to: residual.output)
    try residual.append(Add(), to: residual.input, residual.output)
    try ConeNetwork.linear(&residual, 3)
    #expect(ConeProgram(residual) == nil)
    var pooled = Graph(input: [8, 8, 2])
    try pooled.append(GlobalAveragePool(), to: pooled.output)
    try ConeNetwork.linear(&pooled, 3)
    #expect(ConeProgram(pooled) == nil)
    var bordered = Graph(input: [8, 8, 2])
    try bordered.append(Pooling(.max, window: Window(3, stride: 2, padding: 1)), to: bordered.output)
    try ConeNetwork.linear(&bordered, 3)
    #expect(ConeProgram(bordered) == nil)
  }

  @Test("a change of most of the image is not worth it, nor are more images than memory is meant for") func notWorthwhile() throws {
    let network = ConeNetwork.all[0]
    let program = try #require(ConeProgram(network.graph))
    let weights = ConeWeights(program, network.parameters)
    func cone(_ images: Int, side: Int) throws -> Cone? {
      try Cone(program, weights, images: Tensor(zeros: network.graph.inputShape.batched(images)), side: side)
    }
    #expect(try cone(4, side: 20) == nil)
    #expect(try cone(4, side: 3) != nil)
    #expect(try cone(Cone.mostBytes / (4 * 5000), side: 3) == nil)
  }
}
