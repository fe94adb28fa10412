import TensorEngine

extension Parameters {
  /// Takes over the values of weights, all or none.
  ///
  /// - Throws: everything in which they do not fit; see `Weights.tensors(for:)`.
  package func load(_ weights: Weights) throws(WeightsError) {
    let tensors = try weights.tensors(for: layout)
    for (parameter, tensor) in zip(layout.ids, tensors) { self[parameter] = tensor }
  }
}

extension Weights {
  /// The present values of a network's parameters.
  package init(_ parameters: Parameters) {
    let layout = parameters.layout
    self.init(layout, tensors: layout.ids.map { parameters[$0] })
  }
}
