import TensorEngine

/// How a list of layers becomes part of a graph.
///
/// Weights are named as PyTorch's `nn.Sequential` of the same list names them: every layer takes an index, also one without weights.
/// A residual is a module with two such lists, `body` (its `layers`) and `shortcut`: `4.body.0.weight`, `4.shortcut.0.weight`.
struct LayerListBuilder {
  /// Bounds on what one network may ask for: far above anything that trains here, and low enough that no product overflows.
  static let mostNodes = 2_000
  static let mostActivations = 1 << 28
  static let mostWeights = 1 << 28

  var graph: Graph
  private var weights = 0

  init(_ graph: Graph) { self.graph = graph }

  /// Adds the layers after `node`.
  ///
  /// - Parameters:
  ///   - names: what stands before each index in a weight's name, with its dot: empty, or `4.body.`.
  ///   - pointer: the list's place in the model's document: `/layers`.
  /// - Returns: the node of the last layer; `node` when there is none.
  mutating func append(_ layers: [Layer], after node: Graph.NodeID, names: String, pointer: String) throws(ModelError) -> Graph.NodeID {
    var node = node
    for (index, layer) in layers.enumerated() {
      node = try append(layer, after: node, name: names + String(index), pointer: "\(pointer)/\(index)")
    }
    return node
  }

  private mutating func append(_ layer: Layer, after node: Graph.NodeID, name: String, pointer: String) throws(ModelError) -> Graph.NodeID {
    if case .residual(let layers, let shortcut) = layer {
      let body = try append(layers, after: node, names: name + ".body.", pointer: pointer + "/layers")
      let side = try append(shortcut, after: node, names: name + ".shortcut.", pointer: pointer + "/shortcut")
      return try located(layer, pointer) { builder throws in try builder.graph.append(Add(), to: body, side) }
    }
    return try located(layer, pointer) { builder throws in
      try builder.append(plain: layer, after: node, name: name)
    }
  }

  /// A layer other than a residual.
  mutating func append(plain layer: Layer, after node: Graph.NodeID, name: String) throws -> Graph.NodeID {
    let input = graph[node].shape
    switch layer {
    case .conv(let filters, let kernel, let stride, let padding, let dilation, let groups, let bias):
      // An input that is no image, or channels that the groups do not divide, is refused by the operation below.
      let channels = (input.dimensions.last ?? 1) / max(groups, 1)
      let ids = try declare(
        name, [filters, channels, kernel.height, kernel.width], fanIn: channels * kernel.height * kernel.width, bias: bias)
      let window = Window(kernel, stride: stride, padding: padding, dilation: dilation)
      return try graph.append(Convolution(filters: filters, window: window, groups: groups, weight: ids.weight, bias: ids.bias), to: node)
    case .linear(let units, let bias):
      let features = input.dimensions.last ?? 1
      let ids = try declare(name, [units, features], fanIn: features, bias: bias)
      return try graph.append(Dense(units: units, weight: ids.weight, bias: ids.bias), to: node)
    case .maxPool(let size, let stride, let padding):
      return try graph.append(Pooling(.max, window: Window(size, stride: stride, padding: padding)), to: node)
    case .avgPool(let size, let stride, let padding):
      return try graph.append(Pooling(.average, window: Window(size, stride: stride, padding: padding)), to: node)
    case .relu: return try graph.append(ReLU(), to: node)
    case .relu6: return try graph.append(ReLU(ceiling: 6), to: node)
    case .gelu: return try graph.append(Activation(.gelu), to: node)
    case .silu: return try graph.append(Activation(.silu), to: node)
    case .leakyReLU(let slope): return try graph.append(Pointwise(.leakyReLU(slope: Float(slope)), label: layer.type.rawValue), to: node)
    case .sigmoid: return try graph.append(Pointwise(.sigmoid, label: layer.type.rawValue), to: node)
    case .tanh: return try graph.append(Pointwise(.tanh, label: layer.type.rawValue), to: node)
    case .hardSigmoid(let slope, let offset):
      return try graph.append(Pointwise(.hardSigmoid(slope: Float(slope), offset: Float(offset)), label: layer.type.rawValue), to: node)
    case .hardSwish: return try graph.append(Pointwise(.hardSwish, label: layer.type.rawValue), to: node)
    case .layerNorm(let epsilon):
      let width = input.dimensions.last ?? 1
      let weight = graph.parameter(name + ".weight", [width], initial: .constant(1))
      let bias = graph.parameter(name + ".bias", [width], initial: .constant(0))
      return try graph.append(LayerNorm(weight: weight, bias: bias, epsilon: Float(epsilon)), to: node)
    case .batchNorm(let epsilon, let momentum):
      let norm = BatchNorm(
        declaring: name, channels: input.dimensions.last ?? 1, in: &graph, epsilon: Float(epsilon), momentum: Float(momentum))
      return try graph.append(norm, to: node)
    case .globalAvgPool: return try graph.append(GlobalAveragePool(), to: node)
    case .flatten: return input.rank == 1 ? node : try graph.append(Flatten(), to: node)
    case .dropout(let rate): return try graph.append(Dropout(rate: Float(rate)), to: node)
    case .residual: return node  // taken apart by the caller
    }
  }

  /// Declares a layer's weight and bias; PyTorch scales the first values of both by the weight's fan-in.
  private mutating func declare(_ name: String, _ shape: Shape, fanIn: Int, bias: Bool) throws -> (weight: ParameterID, bias: ParameterID?)
  {
    weights += shape.count + (bias ? shape[0] : 0)
    guard weights <= Self.mostWeights else {
      throw GraphError("the network would have \(weights) weights by here; \(Self.mostWeights) is the most")
    }
    let weight = graph.parameter(name + ".weight", shape, initial: .uniform(fanIn: fanIn))
    return (weight, bias ? graph.parameter(name + ".bias", [shape[0]], initial: .uniform(fanIn: fanIn)) : nil)
  }

  /// Adds what one layer brings, keeps it within bounds, and says of a fault which layer it is.
  private mutating func located(
    _ layer: Layer, _ pointer: String, _ add: (inout Self) throws -> Graph.NodeID
  ) throws(ModelError) -> Graph.NodeID {
    do {
      let node = try add(&self)
      guard graph[node].shape.count <= Self.mostActivations else {
        throw GraphError("its output \(graph[node].shape) is larger than \(Self.mostActivations) values for one image")
      }
      guard graph.nodes.count <= Self.mostNodes else { throw GraphError("a network takes at most \(Self.mostNodes) layers") }
      return node
    } catch {
      throw ModelError(pointer: pointer, "\(pointer.dropFirst()) (\(layer.type.rawValue)): \(error)")
    }
  }
}
