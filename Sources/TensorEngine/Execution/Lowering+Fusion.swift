/// The nodes that are computed by the kernel of another node.
///
/// A kernel that writes a large value, only for the next kernel to read it, spends its time on memory. So the lowering looks at the nodes
/// next to the one it emits, and lets one kernel do the work of several. Each such case is a method below.
struct Fusions {
  /// The nodes that another node's kernel has computed already, and that other node.
  var nodes: [Graph.NodeID: Graph.NodeID] = [:]
  /// The nodes at which the gradient has been masked already for the ReLU that each is, or that lies before it.
  var masked: Set<Graph.NodeID> = []
  /// One bit for each value of a ReLU: whether it is strictly inside the range.
  var activationMasks: [Graph.NodeID: Lowering.BufferID] = [:]
}

extension Lowering {
  /// Says that the kernel of `other` computes `node` too.
  mutating func fuse(_ node: Graph.NodeID, into other: Graph.NodeID) { fusions.nodes[node] = other }
  /// Whether the kernel of another node computes `node`.
  func isFused(_ node: Graph.NodeID) -> Bool { fusions.nodes[node] != nil }

  /// The only node that reads the value of `node`, if there is but one. Only then may the value be replaced by what that node makes of it.
  func soleConsumer(of node: Graph.NodeID) -> Graph.NodeID? {
    let all = consumers(of: node)
    return all.count == 1 ? all[0] : nil
  }

  // MARK: Looking ahead, in the forward pass

  /// The batch norm right after a layer with weights, fused into it: with running statistics it is a factor and a shift for each filter,
  /// which are multiplied into the layer's weights and bias when these are packed. So it takes no time in a pass. Not where gradients of
  /// weights are computed: they would be those of the product.
  mutating func foldedBatchNorm(after node: Graph.NodeID) -> (node: Graph.NodeID, operation: BatchNorm)? {
    guard purpose.isDisjoint(with: [.batchStatistics, .weightGradients]), let consumer = soleConsumer(of: node),
      let operation = graph[consumer].operation as? BatchNorm
    else { return nil }
    fuse(consumer, into: node)
    return (consumer, operation)
  }

  /// The ReLU right after `node`, which a kernel can compute before it writes its result.
  func clamp(after node: Graph.NodeID) -> (node: Graph.NodeID, range: ClosedRange<Float>)? {
    guard let consumer = soleConsumer(of: node), let relu = graph[consumer].operation as? ReLU else { return nil }
    return (consumer, relu.range)
  }

  /// The residual sum right after `node`, where its other term is known by now: a kernel can add it before it writes its result.
  func sum(after node: Graph.NodeID) -> (node: Graph.NodeID, other: BufferID)? {
    guard let consumer = soleConsumer(of: node), graph[consumer].operation is Add else { return nil }
    return graph[consumer].inputs.first { $0 != node }.flatMap { values[$0] }.map { (consumer, $0) }
  }

  /// A buffer for the activation mask of a ReLU, a bit for each value, where the backward pass needs no more than that: a thirty-second of
  /// the memory of the values.
  mutating func makeActivationMask(of relu: Graph.NodeID) -> BufferID? {
    guard purpose.retain == .masks, requiresGradient(relu), (shape(relu).dimensions.last ?? 1).isMultiple(of: 16) else { return nil }
    // A max pooling masks the gradient by its own, smaller value; see `relu(beneath:)`.
    if let consumer = soleConsumer(of: relu), (graph[consumer].operation as? Pooling)?.kind == .max { return nil }
    return makeBuffer(bytes: batch * shape(relu).count / 8)
  }

  /// Says that a kernel writes this activation mask in the forward pass.
  mutating func save(maskBitsOut: BufferID?, of relu: Graph.NodeID) { fusions.activationMasks[relu] = maskBitsOut }

  /// Whether a flattening is fused into the linear layer right after it: instead of reordering the values in every pass, the layer's weights
  /// are packed in the order of the image. The gradients of weights are in PyTorch's order, so a program that computes them reorders.
  func isFolded(_ node: Graph.NodeID) -> Bool {
    guard !requiresWeightGradients, graph[node].operation is Flatten, Flatten.reorders(shape(input(node))),
      let consumer = soleConsumer(of: node)
    else { return false }
    return graph[consumer].operation is Dense
  }

  // MARK: Looking back, in the backward pass

  /// What a kernel does to its contribution to the gradient at `node` before it writes it: it adds what has been contributed before, and
  /// the last contribution also masks the sum for the ReLU before it. So neither the sum nor the mask needs a kernel of its own.
  mutating func takeEpilogue(forGradientAt node: Graph.NodeID) -> Epilogue {
    var epilogue = Epilogue(addend: summedGradient(at: node))
    contributions[node] = nil
    if contributed[node, default: 0] + 1 == consumers(of: node).count, let relu = relu(beneath: node) {
      markMasked(node)
      epilogue.maskBits = fusions.activationMasks[isFolded(node) ? input(node) : node]
      if epilogue.maskBits == nil { epilogue.clamped = Epilogue.Clamped(value: value(node), range: relu.range) }
    }
    return epilogue
  }

  /// The ReLU whose mask can be read off the value of `node`.
  ///
  /// It is the node itself, the node before a folded flattening, or the node before a max pooling: a gradient passes a window of the
  /// pooling where the maximum is strictly inside the range.
  func relu(beneath node: Graph.NodeID) -> ReLU? {
    let operation = graph[node].operation
    if let relu = operation as? ReLU { return relu }
    if isFolded(node), soleConsumer(of: input(node)) != nil { return relu(beneath: input(node)) }
    guard let pooling = operation as? Pooling, pooling.kind == .max, soleConsumer(of: input(node)) != nil else { return nil }
    return graph[input(node)].operation as? ReLU
  }

  /// Whether the gradient at `node` has been masked for the ReLU that it is, or that lies before it.
  func isMasked(_ node: Graph.NodeID) -> Bool { fusions.masked.contains(node) }
  /// Says that the gradient at `node` needs no further mask.
  mutating func markMasked(_ node: Graph.NodeID) { fusions.masked.insert(node) }
}
