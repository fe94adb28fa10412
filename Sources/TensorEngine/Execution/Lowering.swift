import CKernels
import COneDNN

/// Turns a graph into instructions over buffers. Each operation emits its own instructions through this type.
package struct Lowering {
  let graph: Graph
  /// The examples of a micro-batch: what each instruction emitted now processes at once, and what each buffer made now holds.
  private(set) var batch: Int
  let purpose: Purpose
  /// The most bytes that the transformed weights of one layer may take for Winograd's algorithm.
  ///
  /// None where its rounding is too coarse (4e-6 against 1e-7 of a direct convolution, for windows of 3×3). Few in training: its weights
  /// change after every pass, and the transformation of many weights takes longer than the algorithm saves.
  let winogradBytes: Int
  /// Whether convolutions and linear layers multiply in bfloat16, with sums in single precision.
  let isBF16: Bool
  /// Whether batch norm takes statistics of the whole batch, so that the gradients of weights are summed over its shards layer by layer.
  let sumsGradientsByLayer: Bool
  /// Whether the passes of a batch's shards are cut by reductions.
  let hasReductions: Bool
  private(set) var instructions: [Instruction] = []
  private(set) var buffers: [Buffer] = []
  /// Runs once after each change of the weights, not in each pass: packing, folding, transforming.
  private(set) var packing: [Instruction] = []
  /// The bytes of each result of `packing`.
  private(set) var packed: [Int] = []
  /// The bytes of each result of a reduction that all shards read.
  private(set) var shared: [Int] = []
  private(set) var values: [Graph.NodeID: BufferID] = [:]
  /// The second results of operations with two, and the gradients at them: see `PairOperation`.
  private var secondValues: [Graph.NodeID: BufferID] = [:]
  var secondGradients: [Graph.NodeID: BufferID] = [:]
  /// What the regulariser of interval bounds leaves for the backward pass.
  var penalty: Operand?
  /// The parameters whose gradients have a place already: what comes later is added.
  private var parametersWithGradients: Set<ParameterID> = []
  private var isBackward = false
  private var rematerialisations: [BufferID: (inout Lowering) -> BufferID] = [:]
  /// The buffers of rematerialised values, by the buffers of the values.
  private var recomputed: [BufferID: BufferID] = [:]
  private var savedActivations: [Graph.NodeID: BufferID] = [:]
  private var savedOperands: [Graph.NodeID: Operand] = [:]
  /// The gradients at a node that have not been summed yet, one from each consumer.
  var contributions: [Graph.NodeID: [BufferID]] = [:]
  /// How many consumers of a node have contributed to the gradient at it.
  var contributed: [Graph.NodeID: Int] = [:]
  var fusions = Fusions()
  private let microBatchSizes: MicroBatchSizes
  private let consumers: [[Graph.NodeID]]
  private let gradientRequired: [Bool]

  init(_ graph: Graph, for purpose: Purpose, isExact: Bool, isBF16: Bool) {
    self.graph = graph
    microBatchSizes = MicroBatchSizes(graph, for: purpose)
    batch = graph.sharding.size
    winogradBytes = isExact ? 0 : purpose.contains(.weightGradients) ? 16 << 20 : .max
    self.isBF16 = isBF16
    self.purpose = purpose
    sumsGradientsByLayer = purpose.contains(.batchStatistics) && graph.nodes.contains { $0.operation is BatchNorm }
    hasReductions = sumsGradientsByLayer || graph.nodes.contains { $0.operation is BoundRegularizer }
    var consumers = [[Graph.NodeID]](repeating: [], count: graph.nodes.count)
    // A node requires a gradient when the purpose asks for one at the node or at any node before it.
    var gradientRequired: [Bool] = []
    for id in graph.nodeIDs {
      let node = graph[id]
      for input in node.inputs { consumers[input.index].append(id) }
      let isAskedFor =
        purpose.contains(.inputGradient) && id == graph.input
        || purpose.contains(.weightGradients) && !node.operation.parameters.isEmpty
      gradientRequired.append(isAskedFor || node.inputs.contains { gradientRequired[$0.index] })
    }
    self.consumers = consumers
    self.gradientRequired = gradientRequired
  }

  // MARK: Values

  /// The shape of one example at a node.
  func shape(_ node: Graph.NodeID) -> Shape { graph[node].shape }
  func input(_ node: Graph.NodeID, _ index: Int = 0) -> Graph.NodeID { graph[node].inputs[index] }
  func consumers(of node: Graph.NodeID) -> [Graph.NodeID] { consumers[node.index] }

  /// The buffer that holds a node's value, `[batch, …]`. In the backward pass the instructions that rematerialise it are emitted first.
  mutating func value(_ node: Graph.NodeID) -> BufferID {
    guard let buffer = values[node] else { preconditionFailure("node \(node.index) was read before it was computed") }
    guard isBackward, let recompute = rematerialisations[buffer] else { return buffer }
    if let known = recomputed[buffer] { return known }
    let again = recompute(&self)
    recomputed[buffer] = again
    return again
  }

  /// Rematerialisation: the value of `node` is not kept for the backward pass, `recompute` emits it again there.
  mutating func rematerialise(_ node: Graph.NodeID, by recompute: @escaping (inout Lowering) -> BufferID) {
    rematerialisations[value(node)] = recompute
  }

  /// The instructions emitted from here on are those of `node`.
  mutating func enter(_ node: Graph.NodeID) { batch = microBatchSizes[node] }
  private var microBatches: Int { graph.sharding.size / batch }

  /// How many examples an instruction that is emitted now has to process in a pass: the real ones where each is computed by itself. A sum over
  /// the shard reads the padding, too.
  var processed: @Sendable (PassFacts) -> Int {
    let size = batch
    guard purpose.isDisjoint(with: [.weightGradients, .batchStatistics]) else { return { _ in size } }
    return { $0.examples(of: size) }
  }

  /// The instructions emitted from here on are those of the backward pass.
  mutating func beginBackward() { isBackward = true }

  mutating func makeBuffer(bytes: Int) -> BufferID {
    buffers.append(Buffer(bytes: bytes, microBatches: microBatches))
    return BufferID(index: buffers.count - 1)
  }

  /// A new buffer of the shape of a node's value.
  mutating func makeBuffer(like node: Graph.NodeID) -> BufferID { makeBuffer(bytes: batch * shape(node).count * 4) }

  mutating func makeValue(_ node: Graph.NodeID) -> BufferID {
    let buffer = makeBuffer(like: node)
    values[node] = buffer
    return buffer
  }

  mutating func makeSecondValue(_ node: Graph.NodeID) -> BufferID {
    let buffer = makeBuffer(like: node)
    secondValues[node] = buffer
    return buffer
  }

  mutating func handOnSecondValue(of pair: Graph.NodeID, to node: Graph.NodeID) { values[node] = secondValues[pair] }

  /// Makes the value of `node` the buffer of its input, or of the node into which it was fused. Nothing is computed.
  mutating func passThrough(_ node: Graph.NodeID) { values[node] = value(fusions.nodes[node] ?? input(node)) }

  /// Saves a buffer other than the node's value for the node's backward pass.
  mutating func save(_ buffer: BufferID, of node: Graph.NodeID) { savedActivations[node] = buffer }
  func saved(of node: Graph.NodeID) -> BufferID? { savedActivations[node] }

  /// Saves the weights that a node was computed with, where they are not the network's own, for its backward pass.
  mutating func save(weights: Operand, of node: Graph.NodeID) { savedOperands[node] = weights }
  func savedWeights(of node: Graph.NodeID) -> Operand? { savedOperands[node] }
  /// Saves the factors and shifts of a batch norm for its backward pass.
  mutating func save(coefficients: Operand, of node: Graph.NodeID) { savedOperands[node] = coefficients }
  func savedCoefficients(of node: Graph.NodeID) -> Operand? { savedOperands[node] }

  // MARK: Gradients

  var requiresWeightGradients: Bool { purpose.contains(.weightGradients) }
  func requiresGradient(_ node: Graph.NodeID) -> Bool { gradientRequired[node.index] }

  /// The gradient at the value of a node, summed over all its consumers. Emits the sums.
  mutating func summedGradient(at node: Graph.NodeID) -> BufferID? {
    guard let all = contributions[node], var sum = all.first else { return nil }
    for next in all.dropFirst() {
      let (left, total) = (sum, makeBuffer(like: node))
      let count = batch * shape(node).count
      emit("sum", reads: [left, next], writes: [total]) { memory, _ in
        kernels.add(memory[left], memory[next], memory[total], Int64(count))
      }
      sum = total
    }
    contributions[node] = [sum]
    return sum
  }

  /// Adds a gradient at the value of `node`. The buffer is only read from now on.
  mutating func contribute(_ buffer: BufferID, to node: Graph.NodeID) {
    contributions[node, default: []].append(buffer)
    contributed[node, default: 0] += 1
  }

  /// The values of a buffer of the shape of `node`'s value, rounded to bfloat16.
  mutating func rounded(_ buffer: BufferID, like node: Graph.NodeID) -> BufferID {
    let count = batch * shape(node).count
    let result = makeBuffer(bytes: count * 2)
    emit("round", reads: [buffer], writes: [result]) { memory, _ in kernels.round_to_bf16(memory[buffer], memory[result], Int64(count)) }
    return result
  }

  /// Emits `result = gradient`, and 0 where the clamped value is at an end of its range.
  mutating func emitMask(_ label: String, _ gradient: BufferID, by clamped: Epilogue.Clamped, like node: Graph.NodeID, to result: BufferID)
  {
    let count = batch * shape(node).count
    let (value, low, high) = (clamped.value, clamped.range.lowerBound, clamped.range.upperBound)
    emit(label, reads: [gradient, value], writes: [result]) { memory, _ in
      kernels.clamp_gradient(memory[gradient], memory[value], low, high, memory[result], Int64(count))
    }
  }

  // MARK: Instructions

  mutating func emit(_ label: String, _ kernel: OneDNNKernel, _ arguments: [(role: onednn_role, operand: Operand)]) {
    var arguments = arguments
    let scratch = kernel.bytes(ONEDNN_SCRATCHPAD)
    if scratch > 0 { arguments.append((ONEDNN_SCRATCHPAD, .buffer(makeBuffer(bytes: scratch)))) }
    append(label, .oneDNN(kernel, arguments))
  }

  mutating func emit(_ label: String, reads: [BufferID], writes: [BufferID], _ kernel: @escaping OwnKernel) {
    emit(label, (reads + writes).map(Operand.buffer), kernel)
  }

  mutating func emit(_ label: String, _ operands: [Operand], _ kernel: @escaping OwnKernel) { append(label, .own(operands, kernel)) }
  mutating func emit(_ label: String, _ reduction: Reduction) { append(label, .reduction(reduction)) }

  private mutating func append(_ label: String, _ body: Instruction.Body) {
    instructions.append(Instruction(label: label, body: body, microBatches: microBatches))
  }

  mutating func makeShared(bytes: Int) -> Operand {
    shared.append(bytes)
    return .shared(shared.count - 1)
  }

  // MARK: Weights

  /// Emits `pack`, which runs whenever the weights change.
  ///
  /// - Parameters:
  ///   - sources: weights, and results of earlier packing.
  ///   - bytes: of the result.
  mutating func packWeights(
    _ label: String, from sources: [Operand], bytes: Int,
    _ pack: @escaping @Sendable (_ memory: BoundOperands, _ packed: UnsafeMutablePointer<Float>) -> Void
  ) -> Operand {
    let result = makePacked(bytes: bytes)
    packing.append(
      Instruction(label: label, body: .own(sources + [result]) { memory, _ in pack(memory, memory[result]) }, microBatches: 1))
    return result
  }

  /// Weights in PyTorch's order, brought into the order that `kernel` reads.
  mutating func pack(_ weights: Operand, for kernel: OneDNNKernel) throws -> Operand {
    guard !kernel.isPlain(ONEDNN_WEIGHTS) else { return weights }
    let reordering = try OneDNNKernel.pack(for: kernel, ONEDNN_WEIGHTS)
    let result = makePacked(bytes: kernel.bytes(ONEDNN_WEIGHTS))
    var arguments = [(role: ONEDNN_SOURCE, operand: weights), (ONEDNN_DESTINATION, result)]
    let scratch = reordering.bytes(ONEDNN_SCRATCHPAD)
    if scratch > 0 { arguments.append((ONEDNN_SCRATCHPAD, makePacked(bytes: scratch))) }
    packing.append(Instruction(label: "pack", body: .oneDNN(reordering, arguments), microBatches: 1))
    return result
  }

  private mutating func makePacked(bytes: Int) -> Operand {
    packed.append(bytes)
    return .packed(packed.count - 1)
  }

  /// Emits the kernels that compute the gradients of some parameters.
  ///
  /// Each shard has a set of gradients of its own, and the sets are summed after the pass. Where batch norm takes statistics of the batch, the
  /// shards run in lockstep, so the gradients of each layer are summed at once, and one set is enough.
  ///
  /// In a graph of bounds two nodes read the same weights: the gradients of the second are added to those of the first.
  ///
  /// - Parameter body: emits them; it is told where the gradient of each parameter goes.
  mutating func emitGradients(
    of parameters: [ParameterID], _ body: (inout Lowering, _ destination: (ParameterID) -> Operand) throws -> Void
  ) rethrows {
    guard sumsGradientsByLayer else { return try emitGradientsOfShard(of: parameters, body) }
    let partials = parameters.map { ($0, makeBuffer(bytes: graph.parameterShape($0).count * 4)) }
    let destinations = Dictionary(uniqueKeysWithValues: partials)
    try body(&self) { destinations[$0].map(Operand.buffer) ?? .gradient($0) }
    for (parameter, partial) in partials {
      let sum = Operand.gradient(parameter)
      emit(
        "sum of gradients",
        Reduction(partial: partial, operands: [sum], extent: graph.parameterShape(parameter).count) { partials, memory, weights in
          Gradients.sum(partials.map(\.pointer), weights)
          (memory[sum] + weights.lowerBound).update(from: partials[0].pointer + weights.lowerBound, count: weights.count)
        })
    }
  }

  private mutating func emitGradientsOfShard(
    of parameters: [ParameterID], _ body: (inout Lowering, _ destination: (ParameterID) -> Operand) throws -> Void
  ) rethrows {
    let further = parameters.filter(parametersWithGradients.contains).map { ($0, makeBuffer(bytes: graph.parameterShape($0).count * 4)) }
    parametersWithGradients.formUnion(parameters)
    let places = Dictionary(uniqueKeysWithValues: further)
    try body(&self) { places[$0].map(Operand.buffer) ?? .gradient($0) }
    for (parameter, buffer) in further {
      let (sum, count) = (Operand.gradient(parameter), Int64(graph.parameterShape(parameter).count))
      emit("sum of gradients", [sum, .buffer(buffer)]) { memory, _ in kernels.add(memory[sum], memory[buffer], memory[sum], count) }
    }
  }

  /// Emits a kernel of oneDNN that computes a gradient of weights, and brings it into PyTorch's order.
  mutating func emitWeightGradient(
    _ label: String, _ kernel: OneDNNKernel, to destination: Operand, _ arguments: [(role: onednn_role, operand: Operand)]
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
