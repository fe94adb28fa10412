/// Where the shards of a batch meet: the memory that all of them read, and who fills it.
final class Reductions {
  /// A reduction whose places are known.
  struct Bound {
    private let reduction: Lowering.Reduction
    private let resolve: (Lowering.Operand, ExecutionContext) -> UnsafeMutablePointer<Float>

    init(_ reduction: Lowering.Reduction, _ resolve: @escaping (Lowering.Operand, ExecutionContext) -> UnsafeMutablePointer<Float>) {
      self.reduction = reduction
      self.resolve = resolve
    }

    /// How many results it has, each independent of the others.
    var extent: Int { reduction.extent }

    /// Puts together what the given shards bring, in their order.
    ///
    /// - Parameter range: of the results; by default all.
    func callAsFunction(_ contexts: [ExecutionContext], _ range: Range<Int>? = nil) {
      let memory = BoundOperands(reduction.operands, reduction.operands.map { resolve($0, contexts[0]) })
      reduction.combine(contexts.map { $0.partial(reduction) }, memory, range ?? 0..<extent)
    }
  }

  /// Where what each reduction leaves lies.
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
      case .buffer, .packed: preconditionFailure("a reduction sees nothing of a shard but its share")
      }
    }
    forward = program.forward.compactMap(\.reduction).map { Bound($0, resolve) }
    backward = program.backward.compactMap(\.reduction).map { Bound($0, resolve) }
  }
}
