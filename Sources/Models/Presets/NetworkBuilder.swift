import TensorEngine

/// Builds a graph layer by layer, with names and first values of weights as PyTorch's modules have them.
///
/// Each layer is added after `node`, which then is that layer.
struct NetworkBuilder {
  /// How the weights of a convolution are drawn first.
  enum ConvolutionInitial {
    /// PyTorch's default.
    case standard
    /// Normal, by the number of outputs that an input goes to (He et al. 2015, arXiv:1502.01852): torchvision's choice.
    case kaimingFanOut
  }

  private(set) var graph: Graph
  private(set) var node: Graph.NodeID
  let convolutions: ConvolutionInitial
  /// Whether images are padded as Keras pads them, where the architecture knows how.
  var isKeras = false

  init(_ graph: Graph, convolutions: ConvolutionInitial = .standard) {
    self.graph = graph
    self.convolutions = convolutions
    node = graph.output
  }

  /// The shape of one example at the present node.
  var shape: Shape { graph[node].shape }
  /// The channels of an image, or the features of a row.
  var channels: Int { shape.dimensions.last ?? 1 }

  /// Goes on from an earlier node.
  mutating func go(to node: Graph.NodeID) { self.node = node }

  mutating func conv(
    _ name: String, filters: Int, kernel: Int, stride: Int = 1, padding: Int? = nil, groups: Int = 1, bias: Bool = false
  ) throws {
    let depth = channels / groups
    let fanIn = depth * kernel * kernel
    let fanOut = Float(filters / groups * kernel * kernel)
    let initial: ParameterSpecification.Initial =
      switch convolutions {
      case .standard: .uniform(fanIn: fanIn)
      case .kaimingFanOut: .normal(deviation: (2 / fanOut).squareRoot())
      }
    let weight = graph.parameter(name + ".weight", [filters, depth, kernel, kernel], initial: initial)
    let bias = bias ? graph.parameter(name + ".bias", [filters], initial: .uniform(fanIn: fanIn)) : nil
    let window = Window(kernel, stride: stride, padding: padding ?? kernel / 2)
    node = try graph.append(Convolution(filters: filters, window: window, groups: groups, weight: weight, bias: bias), to: node)
  }

  mutating func batchNorm(_ name: String, epsilon: Float = 1e-5, momentum: Float = 0.1) throws {
    let norm = BatchNorm(declaring: name, channels: channels, in: &graph, epsilon: epsilon, momentum: momentum)
    node = try graph.append(norm, to: node)
  }

  mutating func pad(before: [Int], after: [Int]) throws { node = try graph.append(Pad(before: before, after: after), to: node) }

  mutating func relu(ceiling: Float = .infinity) throws { node = try graph.append(ReLU(ceiling: ceiling), to: node) }

  mutating func maxPool(_ size: Int, stride: Int, padding: Int) throws {
    node = try graph.append(Pooling(.max, window: Window(size, stride: stride, padding: padding)), to: node)
  }

  mutating func add(_ other: Graph.NodeID) throws { node = try graph.append(Add(), to: node, other) }
  mutating func dropout(rate: Float) throws { node = try graph.append(Dropout(rate: rate), to: node) }
  mutating func activation(_ kind: Activation.Kind) throws { node = try graph.append(Activation(kind), to: node) }
  mutating func attention(heads: Int) throws { node = try graph.append(Attention(heads: heads), to: node) }
  mutating func firstToken() throws { node = try graph.append(FirstToken(), to: node) }

  /// timm's epsilon, not PyTorch's.
  mutating func layerNorm(_ name: String, epsilon: Float = 1e-6) throws {
    let weight = graph.parameter(name + ".weight", [channels], initial: .constant(1))
    let bias = graph.parameter(name + ".bias", [channels], initial: .constant(0))
    node = try graph.append(LayerNorm(weight: weight, bias: bias, epsilon: epsilon), to: node)
  }

  mutating func tokens(whole: String, positions: String, deviation: Float) throws {
    let whole = graph.parameter(whole, [1, 1, channels], initial: .normal(deviation: 1e-6))
    let positions = graph.parameter(positions, [1, 1 + shape.count / channels, channels], initial: .normal(deviation: deviation))
    node = try graph.append(Tokens(whole: whole, positions: positions), to: node)
  }

  mutating func globalAveragePool() throws { node = try graph.append(GlobalAveragePool(), to: node) }

  mutating func linear(_ name: String, units: Int, initial: ParameterSpecification.Initial? = nil) throws {
    let standard = ParameterSpecification.Initial.uniform(fanIn: channels)
    let weight = graph.parameter(name + ".weight", [units, channels], initial: initial ?? standard)
    let bias = graph.parameter(name + ".bias", [units], initial: initial == nil ? standard : .constant(0))
    node = try graph.append(Dense(units: units, weight: weight, bias: bias), to: node)
  }
}

extension BatchNorm {
  /// With its weights and statistics declared, as PyTorch's `BatchNorm2d` names and fills them.
  init(declaring name: String, channels: Int, in graph: inout Graph, epsilon: Float = 1e-5, momentum: Float = 0.1) {
    self.init(
      weight: graph.parameter(name + ".weight", [channels], initial: .constant(1)),
      bias: graph.parameter(name + ".bias", [channels], initial: .constant(0)),
      mean: graph.parameter(name + ".running_mean", [channels], initial: .constant(0), isTrained: false),
      variance: graph.parameter(name + ".running_var", [channels], initial: .constant(1), isTrained: false),
      epsilon: epsilon, momentum: momentum)
  }
}
