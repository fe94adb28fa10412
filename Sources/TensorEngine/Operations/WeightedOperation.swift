import COneDNN

/// An operation that is one kernel of oneDNN with weights and perhaps a bias: it says which kernel, the rest is common to all of them.
protocol WeightedOperation: Operation {
  var weight: ParameterID { get }
  var bias: ParameterID? { get }

  /// - Parameter relu: whether the kernel applies ReLU to its result; forward only.
  func kernel(_ direction: onednn_direction, at node: Graph.NodeID, _ lowering: Lowering, relu: Bool) throws -> Kernel
}

extension WeightedOperation {
  package var parameters: [ParameterID] { [weight] + (bias.map { [$0] } ?? []) }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws {
    let relu = lowering.fusesReLU(after: node)
    let kernel = try kernel(ONEDNN_FORWARD, at: node, lowering, relu: relu)
    var arguments: [(role: onednn_role, operand: Lowering.Operand)] = [
      (ONEDNN_SOURCE, .buffer(lowering.value(lowering.input(node)))), (ONEDNN_WEIGHTS, try lowering.pack(.weight(weight), for: kernel)),
      (ONEDNN_DESTINATION, .buffer(lowering.makeValue(node))),
    ]
    if let bias { arguments.append((ONEDNN_BIAS, .weight(bias))) }
    lowering.emit(label, kernel, arguments)
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws {
    guard let gradient = lowering.gradient(node) else { return }
    if lowering.wantsWeightGradients { try backwardToWeights(node, gradient, &lowering) }
    if lowering.wantsGradient(lowering.input(node)) { try backwardToInput(node, gradient, &lowering) }
  }

  private func backwardToWeights(_ node: Graph.NodeID, _ gradient: Lowering.BufferID, _ lowering: inout Lowering) throws {
    let kernel = try kernel(ONEDNN_BACKWARD_WEIGHTS, at: node, lowering, relu: false)
    var arguments: [(role: onednn_role, operand: Lowering.Operand)] = [
      (ONEDNN_SOURCE, .buffer(lowering.value(lowering.input(node)))), (ONEDNN_DESTINATION_GRADIENT, .buffer(gradient)),
    ]
    if let bias { arguments.append((ONEDNN_BIAS_GRADIENT, .gradient(bias))) }
    try lowering.emitWeightGradient(label + " to weights", kernel, of: weight, arguments)
  }

  private func backwardToInput(_ node: Graph.NodeID, _ gradient: Lowering.BufferID, _ lowering: inout Lowering) throws {
    let kernel = try kernel(ONEDNN_BACKWARD_SOURCE, at: node, lowering, relu: false)
    let input = lowering.input(node)
    let result = lowering.makeBuffer(like: input)
    lowering.emit(
      label + " to input", kernel,
      [
        (ONEDNN_DESTINATION_GRADIENT, .buffer(gradient)), (ONEDNN_WEIGHTS, try lowering.pack(.weight(weight), for: kernel)),
        (ONEDNN_SOURCE_GRADIENT, .buffer(result)),
      ])
    lowering.contribute(result, to: input)
  }
}
