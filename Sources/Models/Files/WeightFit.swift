import TensorEngine

/// How the tensors of a file fit a network.
package struct WeightFit: Sendable {
  /// For each parameter of the network's layout, the index of its tensor.
  package let places: [Int]
  /// What else is in the file, in sentences.
  package let notices: [String]
}

extension [TensorOutline] {
  /// Checks that the tensors fit a network's layout.
  ///
  /// Names may carry the prefixes of PyTorch's wrappers (`module.`, `model.`, `net.`, `_orig_mod.`), in any order, on all of them or on some.
  /// Counters are passed over. Tensors that belong to no layer of the network are told in a notice; one in a layer that the network has is a
  /// fault, since the file then means another function.
  ///
  /// - Parameter fault: a further check. It returns what is wrong with the tensor at an index, as a clause.
  /// - Throws: every name that is missing, unexpected or has another shape, and every result of `fault`.
  package func fit(_ layout: ParameterLayout, fault: (Int) -> String? = { _ in nil }) throws(WeightsError) -> WeightFit {
    let names = WeightNames(map(\.name), wanted: Set(layout.parameters.map(\.name)))
    var faults: [String] = []
    var found: [Int] = []
    for parameter in layout.parameters {
      guard let place = names.places[parameter.name] else {
        faults.append("\(parameter.name) \(parameter.shape) is missing")
        continue
      }
      if self[place].shape != parameter.shape {
        faults.append("\(parameter.name) is \(self[place].shape), the network needs \(parameter.shape)")
      } else if let type = self[place].type {
        faults.append("\(parameter.name) is of type \(type), and weights are floating-point numbers")
      } else if let detail = fault(place) {
        faults.append("\(parameter.name) \(detail)")
      }
      found.append(place)
    }
    // Beside what is missing the other names are what tells why.
    let isComplete = found.count == layout.parameters.count
    for name in isComplete ? names.shadows : (names.shadows + names.others).sorted() { faults.append("\(name) is not part of the network") }
    guard faults.isEmpty else { throw WeightsError(faults: faults) }
    return WeightFit(places: found, notices: names.notices)
  }

  /// The same where only the places are asked for.
  @discardableResult
  package func requireFit(_ layout: ParameterLayout) throws(WeightsError) -> [Int] { try fit(layout).places }
}
