import CKernels
import COneDNN

/// Turns a graph into instructions over buffers: what the operations write themselves into.
package struct Lowering {
  /// A run of floats whose place in memory is planned when all lifetimes are known.
  typealias BufferID = Int

  /// What an instruction works on.
  enum Operand: Hashable, Sendable {
    case buffer(BufferID)
    /// Weights in PyTorch's order.
    case weight(ParameterID)
    /// What the packing makes of weights, by position in `packed`: it stays until the weights change.
    case packed(Int)
    /// Where the shard's gradient of a weight tensor goes.
    case gradient(ParameterID)
    /// What a reduction leaves for all shards, by position in `shared`.
    case shared(Int)
  }

  /// A loop in Swift over the floats of its operands, in their order.
  typealias Loop = @Sendable (_ pointers: [UnsafeMutablePointer<Float>], _ pass: PassFacts) -> Void

  enum Body: Sendable {
    case kernel(Kernel, [(role: onednn_role, operand: Operand)])
    case loop([Operand], Loop)
    case reduction(Reduction)
  }

  /// Where the shards of a batch wait for each other: what each has found is put together, in the order of the shards.
  struct Reduction: Sendable {
    /// What one shard brings.
    struct Partial {
      let pointer: UnsafeMutablePointer<Float>
      /// The number of real examples in the shard.
      let batch: Int
    }

    /// What each shard brings.
    let partial: BufferID
    /// What is read and written once for all: weights and shared memory.
    let operands: [Operand]
    /// How many results there are, channels or weights, each independent of the others.
    let extent: Int
    let combine: @Sendable (_ partials: [Partial], _ pointers: [UnsafeMutablePointer<Float>], _ results: Range<Int>) -> Void
  }

  struct Instruction: Sendable {
    let label: String
    let body: Body
    /// In how many micro-batches the shard passes through it, one after the other.
    let microBatches: Int

    var operands: [Operand] {
      switch body {
      case .kernel(_, let arguments): arguments.map(\.operand)
      case .loop(let operands, _): operands
      case .reduction(let reduction): [.buffer(reduction.partial)] + reduction.operands
      }
    }

    var reduction: Reduction? { if case .reduction(let reduction) = body { reduction } else { nil } }
  }

  /// Memory that a program needs.
  struct Buffer: Sendable {
    /// For one part of the shard.
    let bytes: Int
    let microBatches: Int
  }

  let graph: Graph
  /// The number of examples that an instruction takes at once, and that every buffer made now has.
  private(set) var batch: Int
  let purpose: Purpose
  /// The bytes that the weights of a layer may take at the points of Winograd's algorithm, which rounds coarser than a direct convolution
  /// (4e-6 to 1e-7 for windows of 3×3): none where that is too coarse. Weights that are learnt change before they have been used much: it
  /// takes longer to bring many of them to the points than is saved there.
  let winogradBytes: Int
  /// Whether convolutions and linear layers multiply in bfloat16, with sums in single precision.
  let isHalf: Bool
  /// Whether the shards of a batch meet on the way: the network asks for statistics of the whole batch.
  let hasReductions: Bool
  private(set) var instructions: [Instruction] = []
  private(set) var buffers: [Buffer] = []
  /// What is done once after each change of the weights, not in each pass: packing, folding, transforming.
  private(set) var packing: [Instruction] = []
  /// The bytes of each result of the packing.
  private(set) var packed: [Int] = []
  /// The bytes of what reductions leave for all shards.
  private(set) var shared: [Int] = []
  private var values: [Graph.NodeID: BufferID] = [:]
  private var contributions: [Graph.NodeID: [BufferID]] = [:]
  /// How many of those that read a node's value have contributed to the gradient at it.
  private var contributed: [Graph.NodeID: Int] = [:]
  /// How to compute a value again, so that it need not be kept for the way back.
  private var rematerialisations: [BufferID: (inout Lowering) -> BufferID] = [:]
  /// What was computed again.
  private var recomputed: [BufferID: BufferID] = [:]
  private var isBackward = false
  private var savedActivations: [Graph.NodeID: BufferID] = [:]
  private var folded: [Graph.NodeID: Operand] = [:]
  /// What was computed together with one of its inputs, and with which.
  private var fused: [Graph.NodeID: Graph.NodeID] = [:]
  private var masked: Set<Graph.NodeID> = []
  /// Where the values of a ReLU are strictly inside its range, as bits.
  private var activationMasks: [Graph.NodeID: BufferID] = [:]
  private let microBatchSizes: MicroBatchSizes
  private let consumers: [[Graph.NodeID]]
  private let gradientRequired: [Bool]

  init(_ graph: Graph, for purpose: Purpose, isExact: Bool, isHalf: Bool) {
    self.graph = graph
    microBatchSizes = MicroBatchSizes(graph, for: purpose)
    batch = graph.shard.size
    winogradBytes = isExact ? 0 : purpose.contains(.weightGradients) ? 16 << 20 : .max
    self.isHalf = isHalf
    self.purpose = purpose
    hasReductions = purpose.contains(.batchStatistics) && graph.nodes.contains { $0.operation is BatchNorm }
    var consumers = [[Graph.NodeID]](repeating: [], count: graph.nodes.count)
    // A gradient is wanted at a node when something upstream of it takes one: the input of an attack, the weights of training.
    var gradientRequired: [Bool] = []
    for (id, node) in graph.nodes.enumerated() {
      for input in node.inputs { consumers[input].append(id) }
      let takes =
        purpose.contains(.inputGradient) && id == graph.input
        || purpose.contains(.weightGradients) && !node.operation.parameters.isEmpty
      gradientRequired.append(takes || node.inputs.contains { gradientRequired[$0] })
    }
    self.consumers = consumers
    self.gradientRequired = gradientRequired
  }

  // MARK: Values

  /// The shape of one example at a node.
  func shape(_ node: Graph.NodeID) -> Shape { graph.nodes[node].shape }
  func input(_ node: Graph.NodeID, _ index: Int = 0) -> Graph.NodeID { graph.nodes[node].inputs[index] }

  /// The buffer that holds a node's value, `[batch, …]`. On the way back it is first computed again, if it can be.
  mutating func value(_ node: Graph.NodeID) -> BufferID {
    guard let buffer = values[node] else { preconditionFailure("node \(node) was read before it was computed") }
    guard isBackward, let recompute = rematerialisations[buffer] else { return buffer }
    if let known = recomputed[buffer] { return known }
    let again = recompute(&self)
    recomputed[buffer] = again
    return again
  }

  /// Says how the value of `node` can be computed again from others: cheaper than to keep it from the way there to the way back.
  mutating func rematerialise(_ node: Graph.NodeID, by recompute: @escaping (inout Lowering) -> BufferID) {
    rematerialisations[value(node)] = recompute
  }

  /// From here on instructions are those of `node`.
  mutating func enter(_ node: Graph.NodeID) { batch = microBatchSizes[node] }
  private var microBatches: Int { graph.shard.size / batch }

  /// From here on instructions are those of the way back.
  mutating func beginBackward() { isBackward = true }

  mutating func makeBuffer(bytes: Int) -> BufferID {
    buffers.append(Buffer(bytes: bytes, microBatches: microBatches))
    return buffers.count - 1
  }

  /// A new buffer of the shape of a node's value.
  mutating func makeBuffer(like node: Graph.NodeID) -> BufferID { makeBuffer(bytes: batch * shape(node).count * 4) }

  mutating func makeValue(_ node: Graph.NodeID) -> BufferID {
    let buffer = makeBuffer(like: node)
    values[node] = buffer
    return buffer
  }

  /// The node's value is that of its input, or of that of its inputs into which it was fused, bit by bit.
  mutating func passThrough(_ node: Graph.NodeID) { values[node] = value(fused[node] ?? input(node)) }

  /// Remembers what the forward pass leaves for the backward pass of the same node, beside its value.
  mutating func save(_ buffer: BufferID, of node: Graph.NodeID) { savedActivations[node] = buffer }
  func saved(of node: Graph.NodeID) -> BufferID? { savedActivations[node] }

  /// The only operation that reads the value of `node`, if there is but one.
  func soleConsumer(of node: Graph.NodeID) -> Graph.NodeID? { consumers[node].count == 1 ? consumers[node][0] : nil }

  /// The batch norm that alone reads the value of `node`, and whose running statistics may be folded into the weights of `node`: they
  /// will be.
  mutating func foldedBatchNorm(after node: Graph.NodeID) -> (node: Graph.NodeID, operation: BatchNorm)? {
    guard !purpose.contains(.batchStatistics), let consumer = soleConsumer(of: node),
      let operation = graph.nodes[consumer].operation as? BatchNorm
    else { return nil }
    fuse(consumer, into: node)
    return (consumer, operation)
  }

  /// Whether a node is a flattening of images that only changes the order of their values, and the linear layer that alone reads it takes
  /// its weights in that order instead.
  func isFolded(_ node: Graph.NodeID) -> Bool {
    guard !requiresWeightGradients, graph.nodes[node].operation is Flatten, Flatten.reorders(shape(input(node))),
      let consumer = soleConsumer(of: node)
    else { return false }
    return graph.nodes[consumer].operation is Dense
  }

  /// Remembers with which weights, other than the network's own, a node was computed.
  mutating func save(weights: Operand, of node: Graph.NodeID) { folded[node] = weights }
  /// Remembers factors and shifts between forward and backward pass.
  mutating func save(coefficients: Operand, of node: Graph.NodeID) { folded[node] = coefficients }
  func savedCoefficients(of node: Graph.NodeID) -> Operand? { folded[node] }
  func savedWeights(of node: Graph.NodeID) -> Operand? { folded[node] }

  /// The ReLU that alone reads the value of `node`, and may then be computed on the way out of the kernel.
  func clamp(after node: Graph.NodeID) -> (node: Graph.NodeID, range: ClosedRange<Float>)? {
    guard let consumer = soleConsumer(of: node), let relu = graph.nodes[consumer].operation as? ReLU else { return nil }
    return (consumer, relu.range)
  }

  /// Room for a bit for each value of a ReLU, for the way back of an attack, which then need not keep the value itself.
  mutating func makeActivationMask(of relu: Graph.NodeID) -> BufferID? {
    guard purpose.retain == .masks, gradientRequired[relu], (shape(relu).dimensions.last ?? 1).isMultiple(of: 16) else { return nil }
    // Where a maximum over windows reads it, the mask is read off that.
    if let consumer = soleConsumer(of: relu), (graph.nodes[consumer].operation as? Pooling)?.kind == .max { return nil }
    return makeBuffer(bytes: batch * shape(relu).count / 8)
  }

  /// Says that a kernel of our own leaves these bits.
  mutating func save(activationMask: BufferID?, of relu: Graph.NodeID) { activationMasks[relu] = activationMask }

  /// The sum that alone reads the value of `node`, where its other term is known by now: a kernel may add that on its way out.
  func sum(after node: Graph.NodeID) -> (node: Graph.NodeID, other: BufferID)? {
    guard let consumer = soleConsumer(of: node), graph.nodes[consumer].operation is Add else { return nil }
    return graph.nodes[consumer].inputs.first { $0 != node }.flatMap { values[$0] }.map { (consumer, $0) }
  }

  /// Says that the value of `branch` is already that of `node`, which reads it.
  mutating func fuse(_ node: Graph.NodeID, into branch: Graph.NodeID) { fused[node] = branch }

  /// Whether the node was computed together with its input.
  func isFused(_ node: Graph.NodeID) -> Bool { fused[node] != nil }

  // MARK: Gradients

  var requiresWeightGradients: Bool { purpose.contains(.weightGradients) }
  func requiresGradient(_ node: Graph.NodeID) -> Bool { gradientRequired[node] }

  /// The gradient at the value of a node, summed over all that read it.
  mutating func gradient(_ node: Graph.NodeID) -> BufferID? {
    guard let all = contributions[node], var sum = all.first else { return nil }
    for next in all.dropFirst() {
      let total = makeBuffer(like: node)
      let count = batch * shape(node).count
      emit("sum", reads: [sum, next], writes: [total]) { pointers, _ in
        kernels_add(pointers[0], pointers[1], pointers[2], Int64(count))
      }
      sum = total
    }
    contributions[node] = [sum]
    return sum
  }

  /// Adds a gradient at the value of `node`; the buffer is only read from now on.
  mutating func contribute(_ buffer: BufferID, to node: Graph.NodeID) {
    contributions[node, default: []].append(buffer)
    contributed[node, default: 0] += 1
  }

  /// How a kernel is to finish its contribution to the gradient at the value of `node`: it adds what has been contributed before, and the
  /// last one masks the sum for the ReLU that it passes next.
  ///
  /// That is the node itself, or a ReLU that a maximum over windows alone reads: the gradient passes a window where its maximum was inside
  /// the range.
  mutating func finish(ofGradientAt node: Graph.NodeID) -> Finish {
    var finish = Finish(addend: gradient(node))
    contributions[node] = nil
    if contributed[node, default: 0] + 1 == consumers[node].count, let relu = relu(beneath: node) {
      masked.insert(node)
      finish.savedMask = activationMasks[isFolded(node) ? input(node) : node]
      if finish.savedMask == nil { finish.mask = Finish.Clamped(value: value(node), range: relu.range) }
    }
    return finish
  }

  /// Whether the gradient at the value of `node` has been masked already for the ReLU that it is, or that lies beneath.
  func isMasked(_ node: Graph.NodeID) -> Bool { masked.contains(node) }

  /// Says that the gradient at the value of a ReLU needs no further mask.
  mutating func markMasked(_ node: Graph.NodeID) { masked.insert(node) }

  /// The ReLU whose mask can be read off the value of `node`.
  func relu(beneath node: Graph.NodeID) -> ReLU? {
    let operation = graph.nodes[node].operation
    if let relu = operation as? ReLU { return relu }
    if isFolded(node), soleConsumer(of: input(node)) != nil { return relu(beneath: input(node)) }
    guard let pooling = operation as? Pooling, pooling.kind == .max, soleConsumer(of: input(node)) != nil else { return nil }
    return graph.nodes[input(node)].operation as? ReLU
  }

  /// The values of a buffer of the shape of `node`'s in bfloat16.
  mutating func rounded(_ buffer: BufferID, like node: Graph.NodeID) -> BufferID {
    let count = batch * shape(node).count
    let result = makeBuffer(bytes: count * 2)
    emit("round", reads: [buffer], writes: [result]) { pointers, _ in kernels_round(pointers[0], pointers[1], Int64(count)) }
    return result
  }

  /// Emits `result = gradient`, and 0 where the clamped value is at an end of its range.
  mutating func emitMask(_ label: String, _ gradient: BufferID, by clamped: Finish.Clamped, like node: Graph.NodeID, to result: BufferID) {
    let count = batch * shape(node).count
    let (low, high) = (clamped.range.lowerBound, clamped.range.upperBound)
    emit(label, reads: [gradient, clamped.value], writes: [result]) { pointers, _ in
      kernels_mask(pointers[0], pointers[1], low, high, pointers[2], Int64(count))
    }
  }

  // MARK: Instructions

  mutating func emit(_ label: String, _ kernel: Kernel, _ arguments: [(role: onednn_role, operand: Operand)]) {
    var arguments = arguments
    let scratch = kernel.bytes(ONEDNN_SCRATCHPAD)
    if scratch > 0 { arguments.append((ONEDNN_SCRATCHPAD, .buffer(makeBuffer(bytes: scratch)))) }
    append(label, .kernel(kernel, arguments))
  }

  mutating func emit(_ label: String, reads: [BufferID], writes: [BufferID], _ loop: @escaping Loop) {
    emit(label, (reads + writes).map(Operand.buffer), loop)
  }

  mutating func emit(_ label: String, _ operands: [Operand], _ loop: @escaping Loop) {
    append(label, .loop(operands, loop))
  }

  mutating func emit(_ label: String, _ reduction: Reduction) { append(label, .reduction(reduction)) }

  private mutating func append(_ label: String, _ body: Body) {
    instructions.append(Instruction(label: label, body: body, microBatches: microBatches))
  }

  mutating func makeShared(bytes: Int) -> Operand {
    shared.append(bytes)
    return .shared(shared.count - 1)
  }

  // MARK: Weights

  /// Has `loop` make something of weights whenever they change; its last operand is the result, of so many bytes.
  mutating func packWeights(_ label: String, _ sources: [Operand], bytes: Int, _ loop: @escaping Loop) -> Operand {
    let result = makePacked(bytes: bytes)
    packing.append(Instruction(label: label, body: .loop(sources + [result], loop), microBatches: 1))
    return result
  }

  /// Weights that are in PyTorch's order, in the order that `kernel` wants.
  mutating func pack(_ weights: Operand, for kernel: Kernel) throws -> Operand {
    guard !kernel.isPlain(ONEDNN_WEIGHTS) else { return weights }
    let reordering = try Kernel.pack(for: kernel, ONEDNN_WEIGHTS)
    let result = makePacked(bytes: kernel.bytes(ONEDNN_WEIGHTS))
    var arguments = [(role: ONEDNN_SOURCE, operand: weights), (ONEDNN_DESTINATION, result)]
    let scratch = reordering.bytes(ONEDNN_SCRATCHPAD)
    if scratch > 0 { arguments.append((ONEDNN_SCRATCHPAD, makePacked(bytes: scratch))) }
    packing.append(Instruction(label: "pack", body: .kernel(reordering, arguments), microBatches: 1))
    return result
  }

  private mutating func makePacked(bytes: Int) -> Operand {
    packed.append(bytes)
    return .packed(packed.count - 1)
  }

  /// Emits what computes the gradients of some parameters, by a body that is told where they go: to the shard's own set, or, where the
  /// shards meet anyway, to memory from which they are summed up at once, so that there is but one set.
  mutating func emitGradients(
    of parameters: [ParameterID], _ body: (inout Lowering, [Operand]) throws -> Void
  ) rethrows {
    guard hasReductions else { return try body(&self, parameters.map(Operand.gradient)) }
    let partials = parameters.map { makeBuffer(bytes: graph.parameterShape($0).count * 4) }
    try body(&self, partials.map(Operand.buffer))
    for (parameter, partial) in zip(parameters, partials) {
      let count = graph.parameterShape(parameter).count
      emit(
        "sum of gradients",
        Reduction(partial: partial, operands: [.gradient(parameter)], extent: count) { partials, pointers, weights in
          Gradients.sum(partials.map(\.pointer), weights)
          (pointers[0] + weights.lowerBound).update(from: partials[0].pointer + weights.lowerBound, count: weights.count)
        })
    }
  }

  /// Emits a kernel that computes a gradient of weights, and takes it to PyTorch's order where the kernel has another.
  mutating func emitWeightGradient(
    _ label: String, _ kernel: Kernel, to destination: Operand, _ arguments: [(role: onednn_role, operand: Operand)]
  ) throws {
    guard !kernel.isPlain(ONEDNN_WEIGHTS_GRADIENT) else {
      emit(label, kernel, arguments + [(ONEDNN_WEIGHTS_GRADIENT, destination)])
      return
    }
    let own = Operand.buffer(makeBuffer(bytes: kernel.bytes(ONEDNN_WEIGHTS_GRADIENT)))
    emit(label, kernel, arguments + [(ONEDNN_WEIGHTS_GRADIENT, own)])
    emit(
      label + " unpack", try .unpack(from: kernel, ONEDNN_WEIGHTS_GRADIENT), [(ONEDNN_SOURCE, own), (ONEDNN_DESTINATION, destination)])
  }
}
