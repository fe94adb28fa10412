import TensorEngine

/// Named tensors, in order: what a weight file holds.
package struct Weights: Sendable, Equatable {
  package struct Entry: Sendable, Equatable {
    package let name: String
    package let tensor: Tensor

    package init(name: String, tensor: Tensor) {
      self.name = name
      self.tensor = tensor
    }
  }

  package let entries: [Entry]

  /// - Parameter entries: names must differ.
  package init(_ entries: [Entry]) { self.entries = entries }

  /// The weights of a network.
  ///
  /// - Parameter tensors: one for each parameter of `layout`, in its order.
  package init(_ layout: ParameterLayout, tensors: [Tensor]) {
    entries = zip(layout.parameters, tensors).map { Entry(name: $0.name, tensor: $1) }
  }

  package subscript(name: String) -> Tensor? { entries.first { $0.name == name }?.tensor }

  /// The tensors in the order of a network's layout.
  ///
  /// A prefix that all names share and that PyTorch's wrappers leave (`module.`, `model.`) is taken off when the names do not fit
  /// with it.
  ///
  /// - Throws: every name that is missing, unexpected, of another shape, or holds values that are not finite.
  package func tensors(for layout: ParameterLayout) throws(WeightsError) -> [Tensor] {
    let wanted = Set(layout.parameters.map(\.name))
    // How many batches PyTorch's batch norm has seen: nothing here depends on it.
    let entries = unwrapped(wanted).filter { !$0.name.hasSuffix(".num_batches_tracked") }
    let named = Dictionary(entries.map { ($0.name, $0.tensor) }) { first, _ in first }
    var faults: [String] = []
    var found: [Tensor] = []
    for parameter in layout.parameters {
      guard let tensor = named[parameter.name] else {
        faults.append("\(parameter.name) \(parameter.shape) is missing")
        continue
      }
      if tensor.shape != parameter.shape {
        faults.append("\(parameter.name) is \(tensor.shape), the network needs \(parameter.shape)")
      } else if !tensor.values.allSatisfy(\.isFinite) {
        faults.append("\(parameter.name) holds values that are not finite")
      }
      found.append(tensor)
    }
    for name in named.keys.sorted() where !wanted.contains(name) { faults.append("\(name) is not part of the network") }
    guard faults.isEmpty else { throw WeightsError(faults: faults) }
    return found
  }

  /// The entries without the wrapper's prefix, unless they fit as they are.
  private func unwrapped(_ wanted: Set<String>) -> [Entry] {
    var entries = entries
    while !entries.contains(where: { wanted.contains($0.name) }),
      let prefix = ["module.", "model."].first(where: { prefix in entries.allSatisfy { $0.name.hasPrefix(prefix) } }),
      !entries.isEmpty
    {
      entries = entries.map { Entry(name: String($0.name.dropFirst(prefix.count)), tensor: $0.tensor) }
    }
    return entries
  }
}

/// Why weights do not belong to a network: every fault, each a sentence.
package struct WeightsError: Error, Hashable, Sendable, CustomStringConvertible {
  package let faults: [String]
  package var description: String { "the weights do not fit the network: " + faults.joined(separator: "; ") }
}
