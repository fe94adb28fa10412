/// A graph compiled for one purpose: kernels, instructions and a plan of memory, for one shard of examples.
///
/// Immutable; any number of sessions may share one.
package final class Program: Sendable {
  package let graph: Graph
  package let purpose: Purpose
  package let layout: ParameterLayout
  package let sharding: Sharding
  let forward: [Lowering.Instruction]
  let backward: [Lowering.Instruction]
  /// Run after each change of the weights.
  let packing: [Lowering.Instruction]
  /// The bytes of each result of the packing.
  let packed: [Int]
  /// The bytes of each result of a reduction that all shards read.
  let shared: [Int]
  /// The cost of each instruction, forward and then backward.
  let costs: [InstructionCost]
  let plan: MemoryPlan
  private let fullShardBytes: [Int?]
  /// Whether the passes of a batch's shards are cut by reductions, so that each shard needs a context of its own.
  package let hasReductions: Bool
  /// Whether one set takes the gradients of all shards, because they are summed layer by layer.
  package let sumsGradientsByLayer: Bool
  /// Where the penalty of interval bounds is.
  let penalty: Lowering.Operand?
  let inputBuffer, logitsBuffer: Lowering.BufferID
  /// Present where there is a backward pass.
  let logitGradientBuffer: Lowering.BufferID?
  /// Present where the purpose has an input gradient.
  let inputGradientBuffer: Lowering.BufferID?

  /// - Parameters:
  ///   - isExact: uses direct convolutions only, which round as PyTorch's do, and never Winograd's algorithm.
  ///   - isBF16: multiplies in bfloat16, with sums, activations and the results of every layer in single precision.
  /// - Throws: `KernelError` when the tensor library has no kernel for a shape.
  package init(_ graph: Graph, for purpose: Purpose, isExact: Bool = false, isBF16: Bool = false) throws {
    var lowering = Lowering(graph, for: purpose, isExact: isExact, isBF16: isBF16)
    lowering.enter(graph.input)
    inputBuffer = lowering.makeValue(graph.input)
    var costs = [InstructionCost]()
    for id in graph.nodeIDs {
      lowering.enter(id)
      try graph[id].operation.forward(id, &lowering)
      costs += InstructionCost.forward(lowering.instructions[costs.count...], of: id, graph)
    }
    let forwardCount = lowering.instructions.count
    logitsBuffer = lowering.value(graph.output)

    var logitGradient: Lowering.BufferID?
    if purpose.hasBackward {
      lowering.beginBackward()
      let buffer = lowering.makeBuffer(like: graph.output)
      lowering.contribute(buffer, to: graph.output)
      logitGradient = buffer
      for id in graph.nodeIDs.reversed() where lowering.requiresGradient(id) {
        lowering.enter(id)
        try graph[id].operation.backward(id, &lowering)
        costs += InstructionCost.backward(lowering.instructions[costs.count...], of: id, graph, lowering)
      }
    }
    logitGradientBuffer = logitGradient
    inputGradientBuffer = purpose.contains(.inputGradient) ? lowering.summedGradient(at: graph.input) : nil
    // The sum of gradients at the input, where it has several consumers.
    costs += lowering.instructions[costs.count...].map { _ in InstructionCost(node: graph.input, floatingPointOperations: 0) }
    self.costs = costs

    self.graph = graph
    self.purpose = purpose
    layout = graph.layout
    sharding = graph.sharding
    hasReductions = lowering.hasReductions
    sumsGradientsByLayer = lowering.sumsGradientsByLayer
    penalty = lowering.penalty
    forward = Array(lowering.instructions[..<forwardCount])
    backward = Array(lowering.instructions[forwardCount...])
    packing = lowering.packing
    packed = lowering.packed
    shared = lowering.shared
    let lifetimes = Lifetimes(
      lowering, from: inputBuffer, pauses: [logitsBuffer, logitGradient].compactMap { $0 }, at: forwardCount, to: inputGradientBuffer)
    plan = MemoryPlan(sizes: lifetimes.bytes, lifetimes: lifetimes.ranges)
    fullShardBytes = lifetimes.fullShardBytes
  }

  /// The offset of a buffer in the arena, for an instruction that processes one of `count` micro-batches.
  func offset(_ buffer: Lowering.BufferID, microBatch: Int = 0, of count: Int = 1) -> Int {
    plan.offsets[buffer.index] + (fullShardBytes[buffer.index].map { $0 / count * microBatch } ?? 0)
  }

  /// The micro-batch of each instruction, forward and then backward.
  package var microBatchSizes: [Int] { (forward + backward).map { sharding.size / $0.microBatches } }

  /// The bytes that one context needs for activations, gradients of activations and scratch space.
  package var arenaBytes: Int { plan.bytes }
  /// The bytes that all contexts of a session share: packed weights and results of reductions.
  package var weightBytes: Int { packedBytes + sharedBytes }
  var packedBytes: Int { packed.reduce(0) { $0 + Memory.aligned($1) } }
  package var sharedBytes: Int { shared.reduce(0) { $0 + Memory.aligned($1) } }
  /// The contexts of a session in which `width` threads work on batches of so many shards.
  package func contextCount(width: Int, shards: Int) -> Int { hasReductions ? shards : width }
}
