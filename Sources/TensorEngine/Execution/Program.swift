/// A graph compiled for one purpose: kernels, instructions and a plan of memory, for one shard of examples.
///
/// Immutable; any number of sessions may share one.
package final class Program: Sendable {
  package let graph: Graph
  package let purpose: Purpose
  package let layout: ParameterLayout
  package let shard: Shard
  let forward: [Lowering.Instruction]
  let backward: [Lowering.Instruction]
  /// Run after each change of the weights.
  let preparation: [Lowering.Instruction]
  /// The bytes of each result of the preparation.
  let prepared: [Int]
  /// The bytes of what each meeting leaves for all shards.
  let shared: [Int]
  /// What each instruction computes, forward and then backward.
  let work: [InstructionWork]
  let plan: MemoryPlan
  private let wholes: [Int?]
  /// Whether the shards of a batch have to meet on the way, so that each needs a lane of its own.
  package let hasMeetings: Bool
  let inputBuffer, logitsBuffer: Lowering.BufferID
  /// Present unless the purpose is inference.
  let logitGradientBuffer: Lowering.BufferID?
  /// Present when the purpose is an attack.
  let inputGradientBuffer: Lowering.BufferID?

  /// - Parameters:
  ///   - isExact: keeps to direct convolutions, which round as PyTorch's do, and never takes Winograd's algorithm.
  ///   - isHalf: multiplies in bfloat16, with sums, activations and the results of every layer in single precision.
  /// - Throws: `KernelError` when the tensor library has no kernel for a shape.
  package init(_ graph: Graph, for purpose: Purpose, isExact: Bool = false, isHalf: Bool = false) throws {
    var lowering = Lowering(graph, for: purpose, isExact: isExact, isHalf: isHalf)
    lowering.enter(graph.input)
    inputBuffer = lowering.makeValue(graph.input)
    var work = [InstructionWork]()
    for (id, node) in graph.nodes.enumerated() {
      lowering.enter(id)
      try node.operation.forward(id, &lowering)
      work += InstructionWork.forward(lowering.instructions[work.count...], of: id, graph)
    }
    let forwardCount = lowering.instructions.count
    logitsBuffer = lowering.value(graph.output)

    var logitGradient: Lowering.BufferID?
    if purpose != .inference {
      lowering.turn()
      let buffer = lowering.makeBuffer(like: graph.output)
      lowering.contribute(buffer, to: graph.output)
      logitGradient = buffer
      for (id, node) in graph.nodes.enumerated().reversed() where lowering.wantsGradient(id) {
        lowering.enter(id)
        try node.operation.backward(id, &lowering)
        work += InstructionWork.backward(lowering.instructions[work.count...], of: id, graph, lowering)
      }
    }
    logitGradientBuffer = logitGradient
    inputGradientBuffer = purpose.takesInputGradient ? lowering.gradient(graph.input) : nil
    // The sum of several gradients at the input, if there are.
    work += lowering.instructions[work.count...].map { _ in InstructionWork(node: graph.input, floatingPointOperations: 0) }
    self.work = work

    self.graph = graph
    self.purpose = purpose
    layout = graph.layout
    shard = graph.shard
    hasMeetings = lowering.meets
    forward = Array(lowering.instructions[..<forwardCount])
    backward = Array(lowering.instructions[forwardCount...])
    preparation = lowering.preparation
    prepared = lowering.prepared
    shared = lowering.shared
    let lifetimes = Lifetimes(
      lowering, from: inputBuffer, pauses: [logitsBuffer, logitGradient].compactMap { $0 }, at: forwardCount, to: inputGradientBuffer)
    plan = MemoryPlan(sizes: lifetimes.bytes, lifetimes: lifetimes.ranges)
    wholes = lifetimes.wholes
  }

  /// Where a buffer lies in the arena for an instruction that takes the given one of so many parts of the shard.
  func offset(_ buffer: Lowering.BufferID, part: Int = 0, of parts: Int = 1) -> Int {
    plan.offsets[buffer] + (wholes[buffer].map { $0 / parts * part } ?? 0)
  }

  /// The examples that each instruction takes at once, forward and then backward.
  package var portions: [Int] { (forward + backward).map { shard.size / $0.parts } }

  /// The bytes that one lane needs for activations, gradients of activations and scratch space.
  package var arenaBytes: Int { plan.bytes }
  /// The bytes of what all lanes of a session share: what the kernels want of the weights, and what meetings leave.
  package var weightBytes: Int { preparedBytes + sharedBytes }
  var preparedBytes: Int { prepared.reduce(0) { $0 + Memory.aligned($1) } }
  private var sharedBytes: Int { shared.reduce(0) { $0 + Memory.aligned($1) } }
  /// The lanes of a session in which `width` threads work on batches of so many shards.
  package func lanes(width: Int, shards: Int) -> Int { hasMeetings ? shards : width }
  /// The sets of gradients that a batch of so many shards needs.
  package func gradientSets(shards: Int) -> Int { hasMeetings ? min(shards, 1) : shards }
}
