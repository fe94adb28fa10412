/// A network as data: operations in topological order, each reading the outputs of earlier ones. Shapes are those of one example.
package struct Graph: Sendable, Hashable {
  package struct Node: Sendable {
    package let operation: any Operation
    /// The nodes it reads.
    package let inputs: [NodeID]
    /// The shape of its output for one example.
    package let shape: Shape
  }

  /// The position of a node in the graph.
  package typealias NodeID = Int

  package private(set) var nodes: [Node]
  private(set) var parameterSpecifications: [ParameterSpecification] = []

  /// A graph that so far hands its input through.
  ///
  /// - Parameter input: the shape of one example, `[height, width, channels]` or `[features]`.
  package init(input: Shape) { nodes = [Node(operation: Input(), inputs: [], shape: input)] }

  package var input: NodeID { 0 }
  /// The last node, whose value is the graph's.
  package var output: NodeID { nodes.count - 1 }
  package var inputShape: Shape { nodes[input].shape }
  package var outputShape: Shape { nodes[output].shape }
  /// How a batch is cut.
  package var shard: Shard { Shard(activations: nodes.reduce(1) { max($0, $1.shape.count) }) }
  package var layout: ParameterLayout { ParameterLayout(parameterSpecifications) }

  /// Adds an operation that reads `inputs`.
  ///
  /// - Throws: `GraphError` when the shapes do not fit.
  @discardableResult
  package mutating func append(_ operation: some Operation, to inputs: NodeID...) throws -> NodeID {
    let shape = try operation.outputShape(of: inputs.map { nodes[$0].shape })
    nodes.append(Node(operation: operation, inputs: inputs, shape: shape))
    return nodes.count - 1
  }

  func parameterShape(_ parameter: ParameterID) -> Shape { parameterSpecifications[parameter].shape }

  /// Declares a weight tensor; the result goes into the operation that uses it.
  package mutating func parameter(
    _ name: String, _ shape: Shape, initial: ParameterSpecification.Initial, isTrained: Bool = true
  ) -> ParameterID {
    parameterSpecifications.append(ParameterSpecification(name: name, shape: shape, initial: initial, isTrained: isTrained))
    return parameterSpecifications.count - 1
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

/// The position of a weight tensor in a graph's `layout`.
package typealias ParameterID = Int

/// Why a layer cannot stand where it was put, in a sentence that names the shapes.
package struct GraphError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}
