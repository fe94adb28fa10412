import JSON
import TensorEngine

/// How a list of nodes becomes part of a graph: each is added after those that it reads, which stand before it.
struct NodeListBuilder {
  var layers: LayerListBuilder
  private let start: Graph.NodeID
  private var places: [String: Graph.NodeID] = [:]
  private(set) var last: Graph.NodeID

  /// - Parameter graph: what is done to an image before the first node.
  init(_ graph: Graph) {
    layers = LayerListBuilder(graph)
    start = graph.output
    last = start
  }

  var graph: Graph { layers.graph }
  func shape(_ node: Graph.NodeID) -> Shape { layers.graph[node].shape }
  /// The shape of the node with a name.
  func shape(of name: String) -> Shape? { places[name].map(shape) }

  /// Adds a node.
  ///
  /// - Throws: `GraphError` where its inputs are not there, or do not fit.
  mutating func append(_ node: NetworkNode) throws {
    guard places[node.name] == nil else { throw GraphError("there are two nodes \"\(node.name.prefix(100))\"") }
    guard let definition = node.definition else { throw GraphError("there is no node type \"\(node.type.prefix(100))\"") }
    let inputs = try self.inputs(of: node, definition)
    last = try definition.append(&self, inputs, node)
    guard shape(last).count <= LayerListBuilder.mostActivations else {
      throw GraphError("its output \(shape(last)) is larger than \(LayerListBuilder.mostActivations) values for one image")
    }
    guard layers.graph.nodes.count <= NetworkNode.most else { throw GraphError("a network takes at most \(NetworkNode.most) nodes") }
    places[node.name] = last
  }

  private func inputs(of node: NetworkNode, _ definition: NodeDefinition) throws -> [Graph.NodeID] {
    if definition.inputs == 0...0 { return [] }
    // Without a list it reads the one before it.
    let count = node.inputs?.count ?? 1
    guard definition.inputs.contains(count) else {
      let (least, most) = (definition.inputs.lowerBound, definition.inputs.upperBound)
      throw GraphError("it reads \(least == most ? "\(least)" : "\(least) to \(most)") nodes, not \(count): inputs names them")
    }
    guard let names = node.inputs else { return [last] }
    return try names.map { name in
      guard let input = places[name] else { throw GraphError("there is no node \"\(name.prefix(100))\" before it") }
      return input
    }
  }

  // MARK: For the rows of the table

  mutating func add(_ operation: some Operation, _ inputs: [Graph.NodeID]) throws -> Graph.NodeID {
    try layers.graph.append(operation, toAll: inputs)
  }

  /// The image, which has to be of this shape.
  func input(_ shape: Shape) throws -> Graph.NodeID {
    guard graph.inputShape == shape else { throw GraphError("the network takes images of \(shape), and these are \(graph.inputShape)") }
    return start
  }

  mutating func weight(_ name: String, _ shape: Shape, isTrained: Bool) throws -> Graph.NodeID {
    let count = shape.dimensions.reduce(1) { $0.multipliedReportingOverflow(by: $1).overflow ? .max : $0 * $1 }
    guard count <= LayerListBuilder.mostWeights else {
      throw GraphError("a weight of \(shape) has more than \(LayerListBuilder.mostWeights) values")
    }
    let weight = layers.graph.parameter(name, shape, initial: .constant(0), isTrained: isTrained)
    return try add(WeightValue(weight, shape: shape, isTrained: isTrained), [])
  }
}

extension [NetworkNode] {
  /// The network that they describe, after what `start` holds.
  ///
  /// - Parameter classes: the units of the layer that ends the network, where that is a linear one.
  /// - Throws: which node does not fit, by its place in the document, and why.
  func graph(after start: Graph, classes: Int) throws(ModelError) -> Graph {
    var builder = NodeListBuilder(start)
    for (place, node) in enumerated() {
      let endsInClasses = place == count - 1 && node.type == LayerType.linear.rawValue
      do {
        try builder.append(endsInClasses ? node.setting("units", to: .int(Int64(classes))) : node)
      } catch {
        throw ModelError(pointer: "/nodes/\(place)", "\(node.name.prefix(100)) (\(node.type.prefix(100))): \(error)")
      }
    }
    let ending = builder.shape(builder.last)
    guard builder.last == builder.graph.output, ending == [classes] else {
      throw ModelError(
        pointer: "/nodes", "the network ends in \(ending), but there are \(classes) classes: its last node gives one value for each")
    }
    return builder.graph
  }
}
