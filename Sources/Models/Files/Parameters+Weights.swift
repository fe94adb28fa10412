import TensorEngine

extension Parameters {
  /// Copies the values of weights, all or none.
  ///
  /// - Throws: everything that does not fit; see `Weights.tensors(for:)`.
  package func load(_ weights: Weights) throws(WeightsError) {
    let tensors = try weights.tensors(for: layout)
    for (parameter, tensor) in zip(layout.ids, tensors) { self[parameter] = tensor }
  }
}

extension Weights {
  /// The current values of a network's parameters.
  package init(_ parameters: Parameters) {
    let layout = parameters.layout
    self.init(layout, tensors: layout.ids.map { parameters[$0] })
  }
}
