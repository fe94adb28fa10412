import COneDNN

/// A fully connected layer, `[features]` → `[units]`, or the same for each token, `[tokens, features]` → `[tokens, units]`: x Wᵀ + b.
package struct Dense: WeightedOperation {
  package let label = "linear"
  package let units: Int
  /// `[units, features]`
  package let weight: ParameterID
  /// `[units]`
  package let bias: ParameterID?
  var radius: RadiusLayer?

  package init(units: Int, weight: ParameterID, bias: ParameterID?) {
    self.units = units
    self.weight = weight
    self.bias = bias
  }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard [1, 2].contains(inputs[0].rank) else {
      throw GraphError("a linear layer needs features in a row, but its input is \(inputs[0]): put a flatten before it")
    }
    guard units > 0 else { throw GraphError("a linear layer needs at least 1 unit") }
    return Shape(inputs[0].dimensions.dropLast() + [units])
  }

  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { 2 * inputs[0].count * units }

  /// The rows of a micro-batch, and the features of each.
  private func extent(_ node: Graph.NodeID, _ lowering: Lowering) -> (rows: Int, features: Int) {
    let input = lowering.shape(lowering.input(node))
    let features = input.dimensions.last ?? 1
    return (lowering.batch * input.count / max(features, 1), features)
  }

  /// The pixels of the image that the layer reads in place of a folded flattening, else 1. See `Lowering.isFolded`: the weights are packed in
  /// the image's order.
  private func pixels(_ node: Graph.NodeID, _ lowering: Lowering) -> Int {
    let input = lowering.input(node)
    guard lowering.isFolded(input) else { return 1 }
    let image = lowering.shape(lowering.input(input))
    return image[0] * image[1]
  }

  func kernel(
    _ direction: onednn_direction, at node: Graph.NodeID, _ lowering: Lowering, hasBias: Bool, clamp: ClosedRange<Float>?, isBF16: Bool
  ) throws -> OneDNNKernel {
    let (rows, features) = extent(node, lowering)
    let shape = onednn_dense(
      batch: Int64(rows), features: Int64(features), units: Int64(units), bias: hasBias, bf16: isBF16, clamp: .init(clamp))
    return try .dense(shape, direction)
  }

  func emitForward(
    _ node: Graph.NodeID, weights: Lowering.Operand, to result: Lowering.BufferID, _ epilogue: Epilogue, _ lowering: inout Lowering
  ) -> Bool {
    let input = lowering.input(node)
    let (rows, features) = extent(node, lowering)
    Product(rows: rows, depth: features, columns: units, isBF16: lowering.isBF16).emit(
      label, lowering.value(input), weights: weights, strides: (1, features), pixels: (pixels(node, lowering), 1), to: result,
      epilogue, &lowering)
    return true
  }

  func emitBackward(
    _ node: Graph.NodeID, _ gradient: Lowering.BufferID, weights: Lowering.Operand, to result: Lowering.BufferID,
    _ lowering: inout Lowering
  ) -> Bool {
    let input = lowering.input(node)
    let (rows, features) = extent(node, lowering)
    Product(rows: rows, depth: units, columns: features, isBF16: lowering.isBF16).emit(
      label + " to input", gradient, weights: weights, strides: (features, 1), pixels: (1, pixels(node, lowering)), to: result,
      lowering.takeEpilogue(forGradientAt: input), &lowering)
    return true
  }
}
