/// One weight tensor of a network, as PyTorch names and shapes it.
package struct ParameterSpecification: Hashable, Sendable {
  /// How the first values are drawn.
  package enum Initial: Hashable, Sendable {
    /// Uniform in ±1/√fan-in: PyTorch's default for a layer that sums over so many inputs.
    case uniform(fanIn: Int)
    /// Normal with mean 0.
    case normal(deviation: Float)
    case constant(Float)
  }

  /// As in PyTorch's state dict, `0.weight`.
  package let name: String
  /// `[out, in / groups, kernel height, kernel width]` of a convolution, `[out, in]` of a dense layer, `[out]` of a bias.
  package let shape: Shape
  package let initial: Initial
  /// Whether an optimiser changes it. The running statistics of batch norm are not trained.
  package let isTrained: Bool

  package init(name: String, shape: Shape, initial: Initial, isTrained: Bool = true) {
    self.name = name
    self.shape = shape
    self.initial = initial
    self.isTrained = isTrained
  }
}

/// The position of a weight tensor in its network's `ParameterLayout`.
package struct ParameterID: Hashable, Sendable {
  package let index: Int
  package init(_ index: Int) { self.index = index }
}

/// The order of a network's weight tensors in one contiguous run of floats: first those that are trained, then the others.
package struct ParameterLayout: Hashable, Sendable {
  package let parameters: [ParameterSpecification]
  /// The first float of each parameter.
  private let offsets: [Int]
  /// The number of floats in all.
  package let count: Int
  /// The number of floats that an optimiser changes: `0..<trainedCount`.
  package let trainedCount: Int

  package init(_ parameters: [ParameterSpecification]) {
    self.parameters = parameters
    var offsets = [Int](repeating: 0, count: parameters.count)
    var next = 0
    func append(where isIncluded: (ParameterSpecification) -> Bool) {
      for (index, parameter) in parameters.enumerated() where isIncluded(parameter) {
        offsets[index] = next
        next += parameter.shape.count
      }
    }
    append(where: \.isTrained)
    trainedCount = next
    append { !$0.isTrained }
    self.offsets = offsets
    count = next
  }

  /// All parameters, in the order of `parameters`.
  package var ids: [ParameterID] { parameters.indices.map(ParameterID.init) }
  package subscript(parameter: ParameterID) -> ParameterSpecification { parameters[parameter.index] }
  /// The first float of a parameter.
  package func offset(_ parameter: ParameterID) -> Int { offsets[parameter.index] }
  package func range(_ parameter: ParameterID) -> Range<Int> {
    offset(parameter)..<offset(parameter) + self[parameter].shape.count
  }
}
