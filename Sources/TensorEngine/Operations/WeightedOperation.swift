import COneDNN

/// An operation with weights and perhaps a bias. A conforming type names its kernel of oneDNN, and the cases for which a kernel of our own is
/// faster. This protocol does the rest for all of them.
protocol WeightedOperation: Operation {
  var weight: ParameterID { get }
  var bias: ParameterID? { get }
  /// Of a layer that takes the radius of an interval; `nil` for the layer itself.
  var radius: RadiusLayer? { get set }

  /// - Parameters:
  ///   - clamp: the range that the kernel clamps its result to; forward only.
  ///   - isBF16: whether source and destination are bfloat16; to the weights only.
  func kernel(
    _ direction: onednn_direction, at node: Graph.NodeID, _ lowering: Lowering, hasBias: Bool, clamp: ClosedRange<Float>?, isBF16: Bool
  ) throws -> OneDNNKernel

  /// Emits a kernel of our own for the forward pass.
  ///
  /// - Returns: false where there is none, and then nothing was emitted.
  func emitForward(
    _ node: Graph.NodeID, weights: Lowering.Operand, to result: Lowering.BufferID, _ epilogue: Epilogue, _ lowering: inout Lowering
  ) -> Bool

  /// Emits a kernel of our own for the gradient at the input, as `emitForward`. A kernel that can add to the gradient and mask it uses
  /// `Lowering.takeEpilogue(forGradientAt:)`.
  func emitBackward(
    _ node: Graph.NodeID, _ gradient: Lowering.BufferID, weights: Lowering.Operand, to result: Lowering.BufferID,
    _ lowering: inout Lowering
  ) -> Bool
}

extension WeightedOperation {
  package var parameters: [ParameterID] { [weight] + (learntBias.map { [$0] } ?? []) }
  /// A radius does not depend on the bias but by its rounding.
  private var learntBias: ParameterID? { radius == nil ? bias : nil }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws {
    var (weights, bias) = operands(node, &lowering)
    var last = node
    // Looks ahead: a batch norm, a residual sum and a ReLU that follow are computed by this operation's kernel. See `Fusions`.
    if let norm = lowering.foldedBatchNorm(after: node) {
      (weights, bias) = norm.operation.folded(into: weights, bias, like: lowering.graph.parameterShape(weight), &lowering)
      lowering.save(weights: weights, of: node)
      last = norm.node
    }
    let result = lowering.makeValue(node)
    let sum = lowering.sum(after: last)
    let end = sum?.node ?? last
    let clamp = lowering.clamp(after: end)
    let mask = clamp.flatMap { lowering.makeActivationMask(of: $0.node) }
    let epilogue = Epilogue(bias: bias, addend: sum?.other, clamp: clamp?.range ?? -.infinity ... .infinity, maskBitsOut: mask)
    if emitForward(node, weights: weights, to: result, epilogue, &lowering) {
      if let sum { lowering.fuse(sum.node, into: last) }
      if let clamp {
        lowering.fuse(clamp.node, into: end)
        lowering.save(maskBitsOut: mask, of: clamp.node)
      }
      return
    }
    // oneDNN's kernels can clamp, but not add another value: a ReLU after a sum is then a kernel of its own.
    let ownClamp = sum == nil ? clamp : nil
    if let ownClamp { lowering.fuse(ownClamp.node, into: last) }
    let kernel = try kernel(ONEDNN_FORWARD, at: node, lowering, hasBias: bias != nil, clamp: ownClamp?.range, isBF16: false)
    var arguments: [(role: onednn_role, operand: Lowering.Operand)] = [
      (ONEDNN_SOURCE, .buffer(lowering.value(lowering.input(node)))), (ONEDNN_WEIGHTS, try lowering.pack(weights, for: kernel)),
      (ONEDNN_DESTINATION, .buffer(result)),
    ]
    if let bias { arguments.append((ONEDNN_BIAS, bias)) }
    lowering.emit(label, kernel, arguments)
  }

  /// What it multiplies by and adds.
  private func operands(_ node: Graph.NodeID, _ lowering: inout Lowering) -> (weights: Lowering.Operand, bias: Lowering.Operand?) {
    guard let radius else { return (.weight(weight), bias.map(Lowering.Operand.weight)) }
    let weights = lowering.packAbsolute(weight)
    lowering.save(weights: weights, of: node)
    return (weights, radius.biasShare > 0 ? bias.map { lowering.packAbsolute($0, times: radius.biasShare) } : nil)
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws {
    guard let gradient = lowering.summedGradient(at: node) else { return }
    if lowering.requiresWeightGradients { try backwardToWeights(node, gradient, &lowering) }
    if lowering.requiresGradient(lowering.input(node)) { try backwardToInput(node, gradient, &lowering) }
  }

  private func backwardToWeights(_ node: Graph.NodeID, _ gradient: Lowering.BufferID, _ lowering: inout Lowering) throws {
    let isBF16 = lowering.isBF16 && Processor.offersBF16
    let kernel = try kernel(ONEDNN_BACKWARD_WEIGHTS, at: node, lowering, hasBias: learntBias != nil, clamp: nil, isBF16: isBF16)
    let input = lowering.input(node)
    var (source, gradient) = (lowering.value(input), gradient)
    if isBF16 { (source, gradient) = (lowering.rounded(source, like: input), lowering.rounded(gradient, like: node)) }
    var arguments: [(role: onednn_role, operand: Lowering.Operand)] = [
      (ONEDNN_SOURCE, .buffer(source)), (ONEDNN_DESTINATION_GRADIENT, .buffer(gradient)),
    ]
    try lowering.emitGradients(of: parameters) { lowering, destination in
      if let learntBias { arguments.append((ONEDNN_BIAS_GRADIENT, destination(learntBias))) }
      guard radius != nil else {
        return try lowering.emitWeightGradient(label + " to weights", kernel, to: destination(weight), arguments)
      }
      let ofAbsolute = lowering.makeBuffer(bytes: lowering.graph.parameterShape(weight).count * 4)
      try lowering.emitWeightGradient(label + " to weights", kernel, to: .buffer(ofAbsolute), arguments)
      lowering.emitSigned(label + " to weights", ofAbsolute, weight, to: destination(weight))
    }
  }

  private func backwardToInput(_ node: Graph.NodeID, _ gradient: Lowering.BufferID, _ lowering: inout Lowering) throws {
    let weights = lowering.savedWeights(of: node) ?? .weight(weight)
    let input = lowering.input(node)
    let result = lowering.makeBuffer(like: input)
    defer { lowering.contribute(result, to: input) }
    if emitBackward(node, gradient, weights: weights, to: result, &lowering) { return }
    let kernel = try kernel(ONEDNN_BACKWARD_SOURCE, at: node, lowering, hasBias: bias != nil, clamp: nil, isBF16: false)
    lowering.emit(
      label + " to input", kernel,
      [
        (ONEDNN_DESTINATION_GRADIENT, .buffer(gradient)), (ONEDNN_WEIGHTS, try lowering.pack(weights, for: kernel)),
        (ONEDNN_SOURCE_GRADIENT, .buffer(result)),
      ])
  }
}
