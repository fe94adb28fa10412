import TensorEngine

extension Parameters {
  /// Takes over the values of weights, all or none.
  ///
  /// - Throws: everything in which they do not fit; see `Weights.tensors(for:)`.
  package func load(_ weights: Weights) throws(WeightsError) {
    let tensors = try weights.tensors(for: layout)
    for (index, tensor) in tensors.enumerated() { self[index] = tensor }
  }
}

extension Weights {
  /// The present values of a network's parameters.
  package init(_ parameters: Parameters) {
    let layout = parameters.layout
    self.init(layout, tensors: layout.parameters.indices.map { parameters[$0] })
  }
}
