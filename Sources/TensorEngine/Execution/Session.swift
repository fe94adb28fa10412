/// A program bound to the parameters of one network, with an execution context for each thread that may run it at once. In a program with
/// reductions there is one for each shard of a batch instead, because each shard keeps its activations until all have met.
package final class Session {
  package let program: Program
  /// Given to one task at a time by `Engine.parallel`.
  package let contexts: [ExecutionContext]
  private let allocation: Workspace.Allocation
  private let packed: PackedWeights
  private let reductions: Reductions
  private var isStale = true
  /// Whose packed weights it uses; `nil`: its own.
  private let weightsOwner: Session?

  /// - Parameters:
  ///   - contexts: how many threads may use the session at once, or the most shards of a batch.
  ///   - allocation: in memory that it shares with others; by default it has its own.
  package init(_ program: Program, parameters: Parameters, contexts: Int, in allocation: Workspace.Allocation? = nil) throws {
    precondition(parameters.layout == program.layout, "parameters of another network")
    let allocation = allocation ?? Self.ownAllocation(program, contexts: contexts)
    let weights = allocation.workspace.region(at: allocation.weightsOffset, bytes: program.weightBytes)
    let packed = try PackedWeights(program, parameters, at: weights)
    let reductions = Reductions(program, parameters, at: weights + program.packedBytes)
    self.program = program
    self.allocation = allocation
    self.packed = packed
    self.reductions = reductions
    weightsOwner = nil
    self.contexts = try Self.contexts(contexts, program, parameters, packed, reductions, allocation)
    packWeights()
  }

  /// A session that uses the packed weights of another one: a forward pass in each can wait for its backward pass.
  ///
  /// - Parameters:
  ///   - parameters: those of `weightsOwner`.
  ///   - allocation: at its weights' offset lies what reductions leave.
  package init(sharingWeightsOf weightsOwner: Session, parameters: Parameters, contexts: Int, in allocation: Workspace.Allocation? = nil)
    throws
  {
    let program = weightsOwner.program
    let bytes = Self.bytesWithoutWeights(program, contexts: contexts)
    let allocation =
      allocation
      ?? Workspace.Allocation(Workspace(bytes: bytes), weightsOffset: 0, arenasOffset: program.sharedBytes, arenaStride: program.arenaBytes)
    let shared = allocation.workspace.region(at: allocation.weightsOffset, bytes: program.sharedBytes)
    let reductions = Reductions(program, parameters, at: shared)
    self.program = program
    self.allocation = allocation
    self.packed = weightsOwner.packed
    self.reductions = reductions
    self.weightsOwner = weightsOwner
    self.contexts = try Self.contexts(contexts, program, parameters, weightsOwner.packed, reductions, allocation)
  }

  private static func contexts(
    _ count: Int, _ program: Program, _ parameters: Parameters, _ packed: PackedWeights, _ reductions: Reductions,
    _ allocation: Workspace.Allocation
  ) throws -> [ExecutionContext] {
    try (0..<count).map { context in
      try ExecutionContext(
        program, parameters: parameters, packed: packed, reductions: reductions, in: allocation.workspace,
        arena: allocation.arenasOffset + context * allocation.arenaStride)
    }
  }

  private static func ownAllocation(_ program: Program, contexts: Int) -> Workspace.Allocation {
    Workspace.Allocation(
      Workspace(bytes: bytes(program, contexts: contexts)), weightsOffset: 0, arenasOffset: program.weightBytes,
      arenaStride: program.arenaBytes)
  }

  /// The bytes that a session with so many contexts takes: activations, packed weights, results of reductions.
  package static func bytes(_ program: Program, contexts: Int) -> Int { program.weightBytes + contexts * program.arenaBytes }

  /// The bytes of one that uses the packed weights of another.
  package static func bytesWithoutWeights(_ program: Program, contexts: Int) -> Int {
    program.sharedBytes + contexts * program.arenaBytes
  }

  /// The penalty that the regulariser of interval bounds found in the last pass; 0 in other programs.
  package var penalty: Float {
    guard case .shared(let index)? = program.penalty else { return 0 }
    return reductions.buffers[index].load(as: Float.self)
  }

  package subscript(context: Int) -> ExecutionContext { contexts[context] }

  // MARK: Weights

  /// To be called after every change of the parameters: they are packed again before the next use.
  package func weightsChanged() {
    isStale = true
    weightsOwner?.weightsChanged()
  }

  /// Packs the weights, if they have changed or if another session has used the memory.
  ///
  /// To be called before every use of a context by whoever changes parameters or shares memory between sessions. `pass` and `forward` of a
  /// session do it themselves.
  package func packWeights() {
    if let weightsOwner { return weightsOwner.packWeights() }
    guard needsPacking else { return }
    for stage in packed.stages { for step in stage { PackedWeights.run(step) } }
    didPackWeights()
  }

  /// The same, on several threads.
  package func packWeights(on engine: Engine, width: Int) throws { try Self.packWeights([self], on: engine, width: width) }

  /// The same for several sessions at once, none of which shares the memory of its packed weights with another.
  package static func packWeights(_ sessions: [Session], on engine: Engine, width: Int) throws {
    let stale = sessions.map { $0.weightsOwner ?? $0 }.filter(\.needsPacking)
    for stage in 0..<(stale.map { $0.packed.stages.count }.max() ?? 0) {
      let steps = stale.flatMap { stage < $0.packed.stages.count ? $0.packed.stages[stage] : [] }
      try engine.parallel(each: steps, width: width) { _, step in PackedWeights.run(step) }
    }
    for session in stale { session.didPackWeights() }
  }

  private var needsPacking: Bool { isStale || !allocation.workspace.isOwned(allocation.weightsOffset, by: self) }

  private func didPackWeights() {
    allocation.workspace.setOwner(allocation.weightsOffset, for: self)
    isStale = false
  }

  // MARK: A whole batch

  /// Runs forward and backward pass of a whole batch, shard by shard in parallel, shard k in context k, with the reductions between.
  ///
  /// - Parameters:
  ///   - shards: how many there are, at most as many as contexts.
  ///   - width: how many run at once.
  ///   - begin: gives a context its images; what it throws ends the pass.
  ///   - beginBackward: reads the logits and gives the context their gradient.
  ///   - end: called when a shard's pass has ended.
  package func pass(
    shards: Int, on engine: Engine, width: Int, begin: @Sendable (_ shard: Int, ExecutionContext) throws -> Void,
    beginBackward: @Sendable (_ shard: Int, ExecutionContext) -> Void, end: @Sendable (_ shard: Int, ExecutionContext) -> Void = { _, _ in }
  ) throws {
    try pass(shards, on: engine, width: width, .both, begin, beginBackward, end)
  }

  /// The same without the backward pass, which may follow.
  package func forward(
    shards: Int, on engine: Engine, width: Int, begin: @Sendable (_ shard: Int, ExecutionContext) throws -> Void,
    end: @Sendable (_ shard: Int, ExecutionContext) -> Void
  ) throws {
    try pass(shards, on: engine, width: width, .forward, begin, { _, _ in }, end)
  }

  /// The backward pass after a forward pass alone, when each shard's context has been given the gradient at its logits.
  package func backward(
    shards: Int, on engine: Engine, width: Int, end: @Sendable (_ shard: Int, ExecutionContext) -> Void = { _, _ in }
  ) throws {
    try pass(shards, on: engine, width: width, .backward, { _, _ in }, { _, _ in }, end)
  }

  private enum Direction {
    case forward, backward, both
  }

  private func pass(
    _ shards: Int, on engine: Engine, width: Int, _ direction: Direction,
    _ begin: @Sendable (_ shard: Int, ExecutionContext) throws -> Void,
    _ beginBackward: @Sendable (_ shard: Int, ExecutionContext) -> Void, _ end: @Sendable (_ shard: Int, ExecutionContext) -> Void
  ) throws {
    precondition(shards <= contexts.count, "a shard of the batch has no context")
    try packWeights(on: engine, width: width)
    // Stages are what lies between reductions. The forward pass ends and the backward pass begins in stage `turn`.
    let (isForward, isBackward) = (direction != .backward, direction != .forward)
    let (turn, last) = (reductions.forward.count, reductions.forward.count + (isBackward ? reductions.backward.count : 0))
    let used = Array(contexts[..<shards])
    for stage in (isForward ? 0 : turn)...last {
      // Nothing is to be done between reductions that follow one another.
      let isIdle = stage != 0 && stage != turn && stage != last && contexts[0].isIdle(stage, forwardStages: turn)
      try engine.parallel(each: isIdle ? [] : used, width: width) { shard, context in
        if stage == 0, isForward { try begin(shard, context) }
        if stage <= turn, isForward { context.run(forward: stage) }
        if stage == turn, isForward { beginBackward(shard, context) }
        if stage >= turn, isBackward { context.run(backward: stage - turn) }
        if stage == last { end(shard, context) }
      }
      if stage < turn {
        try reduce(reductions.forward[stage], used, on: engine, width: width)
      } else if stage < last {
        try reduce(reductions.backward[stage - turn], used, on: engine, width: width)
      }
    }
  }

  /// Runs a reduction over the shards in `contexts`, range by range in parallel where there are many results.
  private func reduce(_ reduction: Reductions.Bound, _ contexts: [ExecutionContext], on engine: Engine, width: Int) throws {
    let combine = reduction.combination(of: contexts)
    let (count, chunk) = (reduction.extent, 1 << 16)
    guard count > chunk else { return combine(0..<count) }
    try engine.parallel((count + chunk - 1) / chunk, width: width) { task in
      combine(task * chunk..<min((task + 1) * chunk, count))
    }
  }
}
