import COneDNN

/// A fully connected layer, `[features]` → `[units]`: x Wᵀ + b.
package struct Dense: WeightedOperation {
  package let label = "linear"
  package let units: Int
  /// `[units, features]`
  package let weight: ParameterID
  /// `[units]`
  package let bias: ParameterID?

  package init(units: Int, weight: ParameterID, bias: ParameterID?) {
    self.units = units
    self.weight = weight
    self.bias = bias
  }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard inputs[0].rank == 1 else {
      throw GraphError("a linear layer needs features in a row, but its input is \(inputs[0]): put a flatten before it")
    }
    guard units > 0 else { throw GraphError("a linear layer needs at least 1 unit") }
    return [units]
  }

  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { 2 * inputs[0].count * units }

  func kernel(_ direction: onednn_direction, at node: Graph.NodeID, _ lowering: Lowering, relu: Bool) throws -> Kernel {
    let shape = onednn_dense(
      batch: Int64(Shard.size), features: Int64(lowering.shape(lowering.input(node)).count), units: Int64(units), bias: bias != nil,
      relu: relu)
    return try .dense(shape, direction)
  }
}
