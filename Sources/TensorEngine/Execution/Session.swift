/// A program bound to the parameters of one network, with one context for each thread that may run it at once, or for each shard of a batch
/// where these have to meet.
///
/// `@unchecked Sendable`: `Engine.parallel` hands a context to one task at a time; packing and reductions come between such tasks, and their own tasks write disjoint parts.
package final class Session: @unchecked Sendable {
  package let program: Program
  private let allocation: Workspace.Allocation
  private let packed: PackedWeights
  private let reductions: Reductions
  private let contexts: [ExecutionContext]
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

  /// The bytes that a session with so many contexts takes: activations, what the kernels want of the weights, what reductions leave.
  package static func bytes(_ program: Program, contexts: Int) -> Int { program.weightBytes + contexts * program.arenaBytes }

  /// The bytes of one that uses the packed weights of another.
  package static func bytesWithoutWeights(_ program: Program, contexts: Int) -> Int {
    program.sharedBytes + contexts * program.arenaBytes
  }

  /// To be called after every change of the parameters: they are packed for the kernels before the next use.
  package func refresh() {
    isStale = true
    weightsOwner?.refresh()
  }

  /// Prepares the present values of the parameters for the kernels, where they are not. To be called before every use, by whoever changes
  /// parameters or has the place in turn with others.
  package func packWeights() {
    if let weightsOwner { return weightsOwner.packWeights() }
    guard needsPacking else { return }
    for stage in packed.stages { for step in stage { packed.run(step) } }
    didPackWeights()
  }

  /// The same, on several threads.
  package func packWeights(on engine: Engine, width: Int) throws { try Self.packWeights([self], on: engine, width: width) }

  /// The same for several sessions at once, none of which has its place in turn with another.
  package static func packWeights(_ sessions: [Session], on engine: Engine, width: Int) throws {
    let unready = sessions.map { $0.weightsOwner ?? $0 }.filter(\.needsPacking)
    for stage in 0..<(unready.map { $0.packed.stages.count }.max() ?? 0) {
      let tasks = unready.flatMap { session in
        stage < session.packed.stages.count ? session.packed.stages[stage].map { (session, $0) } : []
      }
      try engine.parallel(tasks.count, width: width) { task, _ in tasks[task].0.packed.run(tasks[task].1) }
    }
    for session in unready { session.didPackWeights() }
  }

  private var needsPacking: Bool { isStale || !allocation.workspace.isOwned(allocation.weightsOffset, by: self) }

  private func didPackWeights() {
    allocation.workspace.setOwner(allocation.weightsOffset, for: self)
    isStale = false
  }

  package subscript(context: Int) -> ExecutionContext { contexts[context] }

  /// Takes a whole batch forward and back, shard by shard in parallel, each in the context of its number, and lets the shards meet where the
  /// program has them meet.
  ///
  /// - Parameters:
  ///   - shards: how many there are, at most as many as contexts.
  ///   - width: how many run at once.
  ///   - begin: gives a context its images; what it throws ends the pass.
  ///   - beginBackward: reads the logits and gives the context their gradient.
  ///   - end: called when a shard is through.
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
    let (isForward, isBackward) = (direction != .backward, direction != .forward)
    let (there, back) = (reductions.forward.count, isBackward ? reductions.backward.count : 0)
    for stage in (isForward ? 0 : there)...there + back {
      // Nothing is to be done between reductions that follow one another.
      let isIdle = stage != 0 && stage != there && stage != there + back && contexts[0].isIdle(stage, forwardStages: there)
      try engine.parallel(isIdle ? 0 : shards, width: width) { shard, _ in
        let context = self[shard]
        if stage == 0, isForward { try begin(shard, context) }
        if stage <= there, isForward { context.run(forward: stage) }
        if stage == there, isForward { beginBackward(shard, context) }
        if stage >= there, isBackward { context.run(backward: stage - there) }
        if stage == there + back { end(shard, context) }
      }
      if stage < there {
        try reduce(shards, on: engine, width: width) { $0.forward[stage] }
      } else if stage < there + back {
        try reduce(shards, on: engine, width: width) { $0.backward[stage - there] }
      }
    }
  }

  /// Lets the first `shards` contexts meet, part by part in parallel where there is much to put together.
  private func reduce(_ shards: Int, on engine: Engine, width: Int, _ reduction: @Sendable (Reductions) -> Reductions.Bound) throws {
    let chunk = 1 << 16
    let extent = reduction(reductions).extent
    guard extent > chunk else { return reduction(reductions)(Array(contexts[..<shards])) }
    try engine.parallel((extent + chunk - 1) / chunk, width: width) { task, _ in
      reduction(self.reductions)(Array(self.contexts[..<shards]), task * chunk..<min((task + 1) * chunk, extent))
    }
  }
}
