/// One weight tensor of a network, as PyTorch names and shapes it.
package struct ParameterSpecification: Hashable, Sendable {
  /// As in PyTorch's state dict, `0.weight`.
  package let name: String
  /// `[out, in / groups, kernel height, kernel width]` of a convolution, `[out, in]` of a dense layer, `[out]` of a bias.
  package let shape: Shape
  /// The number of inputs that each output sums over: what an initialiser scales by.
  package let fanIn: Int

  package init(name: String, shape: Shape, fanIn: Int) {
    self.name = name
    self.shape = shape
    self.fanIn = fanIn
  }
}

/// Where each weight tensor of a network lies in one contiguous run of floats.
package struct ParameterLayout: Hashable, Sendable {
  package let parameters: [ParameterSpecification]
  /// The first float of each parameter.
  package let offsets: [Int]
  /// The number of floats in all.
  package let count: Int

  package init(_ parameters: [ParameterSpecification]) {
    self.parameters = parameters
    var offsets: [Int] = []
    var next = 0
    for parameter in parameters {
      offsets.append(next)
      next += parameter.shape.count
    }
    self.offsets = offsets
    count = next
  }

  package func range(_ index: Int) -> Range<Int> { offsets[index]..<offsets[index] + parameters[index].shape.count }
}
