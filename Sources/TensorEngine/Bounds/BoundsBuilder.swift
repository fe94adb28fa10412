/// Builds the graph of the interval bounds of a network (Gowal et al. 2018, arXiv:1810.12715): from a box around an image to upper bounds of
/// z_k − z_y for every class k, where y is the example's class. It uses the same weights.
///
/// Each operation says for itself what its bounds are: see `Operation.bounds`.
package struct BoundsBuilder {
  /// Why bounds are computed.
  package enum Aim: Hashable, Sendable {
    /// To learn from them. They are rounded as everything is.
    case training
    /// To certify an answer. What rounding may do, to the bounds and to the network in single precision, is part of them.
    case certificate
  }

  package let aim: Aim
  private(set) var graph: Graph
  private let network: Graph
  /// Of the nodes of the network that have been built.
  private var known: [Graph.NodeID: IntervalNodes] = [:]
  /// What each ReLU reads.
  private var inputsOfReLUs: [IntervalNodes] = []
  /// The box that enters the first layer with weights.
  private var first: IntervalNodes?

  private init(_ network: Graph, for aim: Aim) {
    self.network = network
    self.aim = aim
    graph = Graph(input: network.inputShape, withParametersOf: network)
  }

  fileprivate static func graph(of network: Graph, for aim: Aim) throws -> Graph {
    var builder = BoundsBuilder(network, for: aim)
    builder.known[network.input] = try builder.appendPair(InputBox(roundsOutwards: aim == .certificate), to: [builder.graph.input])
    for node in network.nodeIDs.dropFirst() { try builder.build(node) }
    return builder.graph
  }

  private mutating func build(_ node: Graph.NodeID) throws {
    let operation = network[node].operation
    if node == network.output { return try buildEnd(node) }
    do {
      if first == nil, !operation.parameters.isEmpty { first = input(of: node) }
      known[node] = try operation.bounds(at: node, &self)
    } catch let error as GraphError {
      // A weight's name says where in the network the layer stands.
      let weights = operation.parameters.first.map { " (\(network.layout[$0].name))" } ?? ""
      throw GraphError("layer \(node.index), \(operation.label)\(weights): \(error.description)")
    }
  }

  /// The last layer is folded into the question, which is tighter than the bounds of each logit.
  private mutating func buildEnd(_ node: Graph.NodeID) throws {
    guard let last = network[node].operation as? Dense, network[node].shape.rank == 1 else {
      throw GraphError("interval bounds need a network that ends with a linear layer, not with \(network[node].operation.label)")
    }
    if let first, !inputsOfReLUs.isEmpty, aim == .training {
      let all = [first] + inputsOfReLUs
      try graph.append(BoundRegularizer(), toAll: all.flatMap { [$0.centre, $0.radius] })
    }
    let features = input(of: node)
    try graph.append(WorstCaseLogits(last, allowsForRounding: aim == .certificate), toAll: [features.centre, features.radius])
  }

  // MARK: For operations

  /// The bounds of what a node of the network reads.
  func input(of node: Graph.NodeID, _ index: Int = 0) -> IntervalNodes {
    let input = network[node].inputs[index]
    guard let bounds = known[input] else { preconditionFailure("node \(input.index) has no bounds yet") }
    return bounds
  }

  /// Adds an operation with two results.
  mutating func appendPair(_ operation: some PairOperation, to inputs: [Graph.NodeID]) throws -> IntervalNodes {
    let pair = try graph.append(operation, toAll: inputs)
    return IntervalNodes(centre: pair, radius: try graph.append(SecondResult(), toAll: [pair]))
  }

  mutating func appendPair(_ operation: some PairOperation, to input: IntervalNodes) throws -> IntervalNodes {
    try appendPair(operation, to: [input.centre, input.radius])
  }

  /// Of an operation that is linear with weights that are not negative: it does the same to centre and radius.
  ///
  /// - Parameter terms: the products in each of its sums; 0 where it computes nothing.
  mutating func appendToBoth(_ operation: some Operation, at node: Graph.NodeID, terms: Int) throws -> IntervalNodes {
    let given = input(of: node)
    let input = try terms > 0 ? allowingForRounding(given, terms: terms) : given
    let centre = try graph.append(operation, toAll: [input.centre])
    return IntervalNodes(centre: centre, radius: try graph.append(operation, toAll: [input.radius]))
  }

  /// Of an operation that no larger input makes smaller: it does the same to both ends.
  mutating func appendToEnds(_ operation: some Operation, at node: Graph.NodeID) throws -> IntervalNodes {
    let ends = try appendPair(IntervalForm.ends, to: input(of: node))
    let low = try graph.append(operation, toAll: [ends.centre])
    let high = try graph.append(operation, toAll: [ends.radius])
    return try appendPair(IntervalForm.middle, to: [low, high])
  }

  /// Of a layer with weights: W c + b, and |W| r.
  mutating func appendWeighted(_ layer: some WeightedOperation, at node: Graph.NodeID) throws -> IntervalNodes {
    let given = input(of: node)
    let shape = graph.parameterShape(layer.weight)
    // The products in each of its sums.
    let terms = shape.count / max(shape[0], 1)
    let centre = try graph.append(layer, toAll: [given.centre])
    let widened = try allowingForRounding(given, terms: terms)
    let share = aim == .certificate ? Rounding.share(terms: terms) : 0
    var radius = layer
    radius.radius = RadiusLayer(biasShare: share)
    return IntervalNodes(centre: centre, radius: try graph.append(radius, toAll: [widened.radius]))
  }

  /// An interval with room for what rounding does in a sum of so many terms.
  private mutating func allowingForRounding(_ interval: IntervalNodes, terms: Int) throws -> IntervalNodes {
    guard aim == .certificate else { return interval }
    let widened = try graph.append(WidenedRadius(share: Rounding.share(terms: terms)), toAll: [interval.centre, interval.radius])
    return IntervalNodes(centre: interval.centre, radius: widened)
  }

  /// Adds an operation with one result.
  mutating func append(_ operation: some Operation, to inputs: Graph.NodeID...) throws -> Graph.NodeID {
    try graph.append(operation, toAll: inputs)
  }

  /// The values of what a node of the network reads.
  func count(of node: Graph.NodeID) -> Int { network[network[node].inputs[0]].shape.count }

  mutating func appendReLU(range: ClosedRange<Float>, at node: Graph.NodeID) throws -> IntervalNodes {
    let input = input(of: node)
    inputsOfReLUs.append(input)
    return try appendPair(ClampedInterval(range: range, layer: inputsOfReLUs.count - 1), to: input)
  }
}

extension Graph {
  /// The interval bounds of this network, as a graph of its own with the same parameters: from images to the logits of the worst case,
  /// `[classes]`: upper bounds of z_k − z_y, and 0 for the class y itself.
  ///
  /// - Throws: `GraphError` that names the first layer that has no interval bounds.
  package func bounds(for aim: BoundsBuilder.Aim) throws -> Graph { try BoundsBuilder.graph(of: self, for: aim) }
}

/// How much rounding may add to a sum of products in single precision, whatever its order.
///
/// The computed sum of n products is off by at most γ Σ|wᵢ||xᵢ| with γ = n u / (1 − n u), u = 2⁻²⁴ (Higham 2002, "Accuracy and Stability of
/// Numerical Algorithms", section 3.1). It happens twice: in the network, and in its bounds. Eight terms more stand for what lies between two
/// sums: the bias, folded factors, centre ± radius and their clamp.
enum Rounding {
  static func share(terms: Int) -> Float {
    let error = Double(terms + 8) * 0x1p-24
    return Float(2 * error / (1 - min(error, 0.5))).nextUp
  }
}
