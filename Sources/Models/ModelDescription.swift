import JSON
import TensorEngine

/// What network a job asks for; with the shape of the images and the number of classes it becomes a graph.
package struct ModelDescription: Hashable, Sendable {
  package enum Architecture: Hashable, Sendable {
    /// One of `Preset.all`; parameters left out take their defaults.
    case preset(String, parameters: [String: JSONValue] = [:])
    case layers([Layer])
    /// A graph: each node reads others before it.
    case nodes([NetworkNode])
  }

  package var architecture: Architecture
  /// The first operations of the network, in order; they have no weights and take no index among the layers.
  package var preprocessing: [Preprocessing]
  /// The next operation; it has no weights and takes no index either.
  package var normalization: Normalization?

  package init(_ architecture: Architecture, preprocessing: [Preprocessing] = [], normalization: Normalization? = nil) {
    self.architecture = architecture
    self.preprocessing = preprocessing
    self.normalization = normalization
  }

  /// The same network without its preprocessing. It has the same weights.
  package var bare: ModelDescription { ModelDescription(architecture, normalization: normalization) }

  /// This description with every parameter of its preset written out.
  ///
  /// - Throws: when the name or a parameter is unknown, or a value cannot stand.
  package func completed() throws(ModelError) -> ModelDescription {
    guard case .preset(let name, let parameters) = architecture else { return self }
    let arguments = try Preset.named(name).arguments(parameters)
    return ModelDescription(
      .preset(name, parameters: .init(uniqueKeysWithValues: arguments.object.members.map { ($0.key, $0.value) })),
      preprocessing: preprocessing, normalization: normalization)
  }

  /// The network as a layer list, or `nil` for a preset that is no such list.
  package func layers(classes: Int) throws(ModelError) -> [Layer]? {
    switch architecture {
    case .layers(let layers): return layers
    case .preset(let name, let parameters):
      let preset = try Preset.named(name)
      guard case .layers(let make) = preset.network else { return nil }
      return make(try preset.arguments(parameters), classes)
    case .nodes: return nil
    }
  }

  /// The network.
  ///
  /// - Parameters:
  ///   - input: of one image, `[height, width, channels]` or `[features]`.
  ///   - classes: the number of logits, at least 1.
  /// - Throws: which layer does not fit, by its place in the document, and why.
  package func graph(input: Shape, classes: Int) throws(ModelError) -> Graph {
    let start = try normalized(preprocessed(input))
    switch architecture {
    case .layers(let layers):
      guard !layers.isEmpty else { throw ModelError(pointer: "/layers", "a network needs at least one layer") }
      var builder = LayerListBuilder(start)
      let output = try builder.append(layers, after: start.output, names: "", pointer: "/layers")
      return try ending(builder.graph, output: output, classes: classes, pointer: "/layers/\(layers.count - 1)")
    case .preset(let name, let parameters):
      return try Preset.named(name).graph(parameters, after: start, classes: classes)
    case .nodes(let nodes):
      guard !nodes.isEmpty else { throw ModelError(pointer: "/nodes", "a network needs at least one node") }
      return try nodes.graph(after: start, classes: classes)
    }
  }

  private func preprocessed(_ input: Shape) throws(ModelError) -> Graph {
    guard [1, 3].contains(input.rank), input.dimensions.allSatisfy({ (1...65_536).contains($0) }) else {
      throw ModelError(
        pointer: "", "a network takes images [height, width, channels] or rows of [features], each at most 65536, not \(input)")
    }
    guard input.count <= LayerListBuilder.mostActivations else {
      throw ModelError(pointer: "", "an image of \(input) is larger than \(LayerListBuilder.mostActivations) values")
    }
    var graph = Graph(input: input)
    guard preprocessing.isEmpty || input.rank == 3 else {
      throw ModelError(
        pointer: "/preprocessing", "preprocessing is done to images [height, width, channels], and these are rows of \(input) features")
    }
    for (index, step) in preprocessing.enumerated() {
      do {
        try graph.append(step.operation(), to: graph.output)
      } catch {
        throw ModelError(pointer: "/preprocessing/\(index)", "\(error)")
      }
    }
    return graph
  }

  private func normalized(_ start: Graph) throws(ModelError) -> Graph {
    guard let normalization else { return start }
    var graph = start
    let input = graph.inputShape
    // One mean and deviation are those of all channels, or of all features of a row.
    let spread = normalization.mean.count == 1 && normalization.std.count == 1 ? input.dimensions.last ?? 1 : 1
    let mean = Array(repeating: normalization.mean, count: spread).flatMap(\.self)
    let deviation = Array(repeating: normalization.std, count: spread).flatMap(\.self)
    do {
      try graph.append(Normalize(mean: mean, deviation: deviation), to: graph.output)
    } catch {
      throw ModelError(pointer: "/normalization", "\(error)")
    }
    return graph
  }

  private func ending(_ graph: Graph, output: Graph.NodeID, classes: Int, pointer: String) throws(ModelError) -> Graph {
    guard graph.outputShape == [classes] else {
      throw ModelError(
        pointer: pointer,
        "the network ends in \(graph.outputShape), but there are \(classes) classes: end it with {\"type\": \"linear\", \"units\": \(classes)}"
      )
    }
    return graph
  }
}

extension Preset {
  /// The preset's network after what `start` holds.
  ///
  /// - Parameter given: parameters; those left out take their defaults.
  /// - Throws: when a parameter cannot stand, or the network does not fit the images.
  package func graph(_ given: [String: JSONValue], after start: Graph, classes: Int) throws(ModelError) -> Graph {
    let arguments = try arguments(given)
    do {
      switch network {
      case .layers(let make):
        var builder = LayerListBuilder(start)
        _ = try builder.append(make(arguments, classes), after: start.output, names: "", pointer: "/layers")
        return builder.graph
      case .graph(let build):
        var graph = start
        try build(&graph, arguments, classes)
        return graph
      }
    } catch {
      throw ModelError(pointer: "/architecture", "\(name) does not fit images of \(start.inputShape): \(error)")
    }
  }
}
