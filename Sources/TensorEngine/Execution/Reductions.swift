/// The reductions of a program, bound to the memory of a session: where the shards of a batch combine their partial results.
final class Reductions {
  struct Bound {
    private let reduction: Lowering.Reduction
    private let resolve: (Lowering.Operand, ExecutionContext) -> UnsafeMutablePointer<Float>

    init(_ reduction: Lowering.Reduction, _ resolve: @escaping (Lowering.Operand, ExecutionContext) -> UnsafeMutablePointer<Float>) {
      self.reduction = reduction
      self.resolve = resolve
    }

    /// The number of results, each independent of the others.
    var extent: Int { reduction.extent }

    /// What combines the partial results of the shards in `contexts`, in their order.
    func combination(of contexts: [ExecutionContext]) -> Combination {
      Combination(
        partials: contexts.map { $0.partial(reduction) },
        memory: BoundOperands(reduction.operands, reduction.operands.map { resolve($0, contexts[0]) }), combine: reduction.combine)
    }

    func callAsFunction(_ context: ExecutionContext) { combination(of: [context])(0..<extent) }
  }

  /// One use of a reduction.
  ///
  /// `@unchecked Sendable`: its pointers are those of contexts that no task uses meanwhile, and concurrent calls are for disjoint ranges.
  struct Combination: @unchecked Sendable {
    fileprivate let partials: [Lowering.Reduction.Partial]
    fileprivate let memory: BoundOperands
    fileprivate let combine: @Sendable ([Lowering.Reduction.Partial], BoundOperands, Range<Int>) -> Void

    func callAsFunction(_ results: Range<Int>) { combine(partials, memory, results) }
  }

  /// The results that all shards read, one for each entry of `program.shared`.
  let buffers: [UnsafeMutableRawPointer]
  /// The reductions of each pass: reduction k comes after stage k.
  private(set) var forward: [Bound] = []
  private(set) var backward: [Bound] = []

  /// - Parameter base: `program.sharedBytes` that outlive it.
  init(_ program: Program, _ parameters: Parameters, at base: UnsafeMutableRawPointer) {
    let buffers = Memory.consecutive(program.shared, from: base)
    self.buffers = buffers
    func resolve(_ operand: Lowering.Operand, _ context: ExecutionContext) -> UnsafeMutablePointer<Float> {
      switch operand {
      case .weight(let parameter): parameters.memory.floats() + program.layout.offset(parameter)
      case .shared(let index): buffers[index].assumingMemoryBound(to: Float.self)
      case .gradient(let parameter): context.gradient(of: parameter)
      case .buffer, .packed: preconditionFailure("a reduction reads nothing of a shard but its partial result")
      }
    }
    forward = program.forward.compactMap(\.reduction).map { Bound($0, resolve) }
    backward = program.backward.compactMap(\.reduction).map { Bound($0, resolve) }
  }
}
