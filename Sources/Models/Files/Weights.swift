import TensorEngine

/// The content of a weight file: named tensors, in order.
package struct Weights: Sendable, Equatable {
  package struct Entry: Sendable, Equatable {
    package let name: String
    package let tensor: Tensor
    /// As `TensorOutline.type`.
    package let type: String?

    package init(name: String, tensor: Tensor, type: String? = nil) {
      self.name = name
      self.tensor = tensor
      self.type = type
    }
  }

  package let entries: [Entry]

  /// - Parameter entries: their names must be distinct.
  package init(_ entries: [Entry]) { self.entries = entries }

  /// The weights of a network.
  ///
  /// - Parameter tensors: one for each parameter of `layout`, in its order.
  package init(_ layout: ParameterLayout, tensors: [Tensor]) {
    entries = zip(layout.parameters, tensors).map { Entry(name: $0.name, tensor: $1) }
  }

  package subscript(name: String) -> Tensor? { entries.first { $0.name == name }?.tensor }

  package var outline: [TensorOutline] { entries.map { TensorOutline(name: $0.name, shape: $0.tensor.shape, type: $0.type) } }

  /// The tensors in the order of a network's layout.
  ///
  /// - Throws: as `requireFit` of the outline, and for every tensor with values that are not finite.
  package func tensors(for layout: ParameterLayout) throws(WeightsError) -> [Tensor] {
    let fit = try outline.fit(layout) { place in
      entries[place].tensor.values.allSatisfy(\.isFinite) ? nil : "holds values that are not finite"
    }
    return fit.places.map { entries[$0].tensor }
  }
}

/// Why weights do not fit a network: every fault, each as a sentence.
package struct WeightsError: Error, Hashable, Sendable, CustomStringConvertible {
  package let faults: [String]
  package var description: String { "the weights do not fit the network: " + faults.joined(separator: "; ") }
}
