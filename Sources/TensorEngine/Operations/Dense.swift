import COneDNN

/// A fully connected layer, `[features]` → `[units]`: x Wᵀ + b.
package struct Dense: Operation {
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

  package var parameters: [ParameterID] { [weight] + (bias.map { [$0] } ?? []) }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard inputs[0].rank == 1 else {
      throw GraphError("a linear layer needs features in a row, but its input is \(inputs[0]): put a flatten before it")
    }
    guard units > 0 else { throw GraphError("a linear layer needs at least 1 unit") }
    return [units]
  }

  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { 2 * inputs[0].count * units }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws {
    let kernel = try Kernel.dense(shape(node, lowering, relu: lowering.fusesReLU(after: node)), ONEDNN_FORWARD)
    var arguments: [(role: onednn_role, operand: Lowering.Operand)] = [
      (ONEDNN_SOURCE, .buffer(lowering.value(lowering.input(node)))),
      (ONEDNN_WEIGHTS, try lowering.weight(weight, for: kernel)),
      (ONEDNN_DESTINATION, .buffer(lowering.makeValue(node))),
    ]
    if let bias { arguments.append((ONEDNN_BIAS, .weight(bias))) }
    lowering.emit(label, kernel, arguments)
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws {
    guard let gradient = lowering.gradient(node) else { return }
    let input = lowering.input(node)
    if lowering.wantsWeightGradients {
      let kernel = try Kernel.dense(shape(node, lowering), ONEDNN_BACKWARD_WEIGHTS)
      var arguments: [(role: onednn_role, operand: Lowering.Operand)] = [
        (ONEDNN_SOURCE, .buffer(lowering.value(input))), (ONEDNN_DESTINATION_GRADIENT, .buffer(gradient)),
      ]
      if let bias { arguments.append((ONEDNN_BIAS_GRADIENT, .gradient(bias))) }
      try lowering.emitWeightGradient("linear to weights", kernel, of: weight, arguments)
    }
    guard lowering.wantsGradient(input) else { return }
    let kernel = try Kernel.dense(shape(node, lowering), ONEDNN_BACKWARD_SOURCE)
    let result = lowering.makeBuffer(like: input)
    lowering.emit(
      "linear to input", kernel,
      [
        (ONEDNN_DESTINATION_GRADIENT, .buffer(gradient)), (ONEDNN_WEIGHTS, try lowering.weight(weight, for: kernel)),
        (ONEDNN_SOURCE_GRADIENT, .buffer(result)),
      ])
    lowering.contribute(result, to: input)
  }

  private func shape(_ node: Graph.NodeID, _ lowering: Lowering, relu: Bool = false) -> onednn_dense {
    onednn_dense(
      batch: Int64(Shard.size), features: Int64(lowering.shape(lowering.input(node)).count), units: Int64(units), bias: bias != nil,
      relu: relu)
  }
}
