/// A network as data: operations in topological order, each reading the outputs of earlier ones. Shapes are those of one example.
package struct Graph: Sendable, Hashable {
  package struct Node: Sendable {
    package let operation: any Operation
    /// The nodes it reads.
    package let inputs: [NodeID]
    /// The shape of its output for one example.
    package let shape: Shape
  }

  /// The position of a node in its graph.
  package struct NodeID: Hashable, Sendable {
    package let index: Int
    package init(_ index: Int) { self.index = index }
  }

  package private(set) var nodes: [Node]
  private(set) var parameterSpecifications: [ParameterSpecification] = []
  /// Where it has to be that of another graph.
  var ownSharding: Sharding?

  /// A graph whose output is its input, until operations are appended.
  ///
  /// - Parameter input: the shape of one example, `[height, width, channels]` or `[features]`.
  package init(input: Shape) { nodes = [Node(operation: Input(), inputs: [], shape: input)] }

  /// One that uses the weights of another graph: a part of its network.
  init(input: Shape, withParametersOf other: Graph) {
    self.init(input: input)
    parameterSpecifications = other.parameterSpecifications
  }

  package subscript(node: NodeID) -> Node { nodes[node.index] }
  /// All nodes in topological order.
  package var nodeIDs: [NodeID] { nodes.indices.map(NodeID.init) }
  package var input: NodeID { NodeID(0) }
  /// The last node, whose value is the graph's.
  package var output: NodeID { NodeID(nodes.count - 1) }
  package var inputShape: Shape { self[input].shape }
  package var outputShape: Shape { self[output].shape }
  /// How a batch is cut.
  package var sharding: Sharding { ownSharding ?? Sharding(activations: nodes.reduce(1) { max($0, $1.shape.count) }) }
  package var layout: ParameterLayout { ParameterLayout(parameterSpecifications) }

  /// Adds an operation that reads `inputs`.
  ///
  /// - Throws: `GraphError` when the shapes do not fit.
  @discardableResult
  package mutating func append(_ operation: some Operation, to inputs: NodeID...) throws -> NodeID {
    try append(operation, toAll: inputs)
  }

  /// The same for inputs in a list.
  @discardableResult
  package mutating func append(_ operation: some Operation, toAll inputs: [NodeID]) throws -> NodeID {
    let shape = try operation.outputShape(of: inputs.map { self[$0].shape })
    nodes.append(Node(operation: operation, inputs: inputs, shape: shape))
    return output
  }

  /// Adds an operation that reads the last node.
  mutating func append(next operation: any Operation) throws { try append(operation, to: output) }

  func parameterShape(_ parameter: ParameterID) -> Shape { parameterSpecifications[parameter.index].shape }

  /// Multiplications and additions of an operation, each counted once, for one example forward.
  package func floatingPointOperations(of node: NodeID) -> Int {
    self[node].operation.floatingPointOperations(inputs: self[node].inputs.map { self[$0].shape }, output: self[node].shape)
  }

  /// The same for the whole network.
  package var floatingPointOperations: Int { nodeIDs.reduce(0) { $0 + floatingPointOperations(of: $1) } }

  /// Whether an example may get different answers when the network is evaluated.
  package var isRandomised: Bool { nodes.contains { $0.operation.isRandomised } }

  /// Declares a weight tensor. The operation that uses it is made with the result.
  package mutating func parameter(
    _ name: String, _ shape: Shape, initial: ParameterSpecification.Initial, isTrained: Bool = true
  ) -> ParameterID {
    parameterSpecifications.append(ParameterSpecification(name: name, shape: shape, initial: initial, isTrained: isTrained))
    return ParameterID(parameterSpecifications.count - 1)
  }
}

extension Graph.Node: Hashable {
  package static func == (one: Graph.Node, other: Graph.Node) -> Bool {
    AnyHashable(one.operation) == AnyHashable(other.operation) && one.inputs == other.inputs && one.shape == other.shape
  }

  package func hash(into hasher: inout Hasher) {
    AnyHashable(operation).hash(into: &hasher)
    hasher.combine(inputs)
    hasher.combine(shape)
  }
}

/// Why a layer cannot stand where it was put, in a sentence that names the shapes.
package struct GraphError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}
