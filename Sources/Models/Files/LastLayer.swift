import TensorEngine

/// The layer that ends a network: what has to begin anew where the rest of its weights come from a network for other classes.
package struct LastLayer: Sendable {
  /// Its weights and its bias in the layout of the network.
  private let parameters: Set<Int>
  private let layout: ParameterLayout
  private let classes: Int

  /// - Returns: `nil` when no layer with weights ends in the classes.
  package init?(_ graph: Graph) {
    layout = graph.layout
    classes = graph.outputShape.count
    guard let last = graph.nodes.last(where: { !$0.operation.parameters.isEmpty }) else { return nil }
    let (layout, classes) = (layout, classes)
    guard last.operation.parameters.allSatisfy({ layout[$0].shape[0] == classes }) else { return nil }
    parameters = Set(last.operation.parameters.map(\.index))
  }

  /// The names of its weight and its bias.
  package var names: [String] { parameters.sorted().map { layout.parameters[$0].name } }

  /// The classes that tensors are for which fit the network but for this layer; `nil` when they fit, or do not fit elsewhere too.
  package func otherClasses(of outline: [TensorOutline]) -> Int? {
    let found = names.compactMap { name in outline.first { $0.name == name || $0.name.hasSuffix("." + name) }?.shape[0] }
    guard let other = found.first, other != classes, (try? outline.requireFit(layout(of: other))) != nil else { return nil }
    return other
  }

  /// The weights of a network for `other` classes, with this layer drawn by the seed.
  package func renewed(_ weights: Weights, of other: Int, seed: UInt64) throws(WeightsError) -> Weights {
    let (given, drawn) = (try weights.tensors(for: layout(of: other)), Weights(layout, seed: seed))
    return Weights(layout, tensors: given.indices.map { parameters.contains($0) ? drawn.entries[$0].tensor : given[$0] })
  }

  /// The layout of the same network for so many classes.
  private func layout(of classes: Int) -> ParameterLayout {
    ParameterLayout(
      layout.parameters.enumerated().map { index, parameter in
        guard parameters.contains(index) else { return parameter }
        return ParameterSpecification(
          name: parameter.name, shape: Shape([classes] + parameter.shape.dimensions.dropFirst()), initial: parameter.initial,
          isTrained: parameter.isTrained)
      })
  }
}
