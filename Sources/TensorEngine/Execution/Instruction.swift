import COneDNN

extension Lowering {
  /// The position of a buffer in `Lowering.buffers`. Its offset in the arena is planned when all lifetimes are known.
  struct BufferID: Hashable, Sendable {
    let index: Int
  }

  /// What an instruction reads or writes.
  enum Operand: Hashable, Sendable {
    case buffer(BufferID)
    /// Weights in PyTorch's order.
    case weight(ParameterID)
    /// Packed weights, by position in `packed`. They stay until the weights change.
    case packed(Int)
    /// The shard's gradient of a weight tensor.
    case gradient(ParameterID)
    /// The result of a reduction, read by all shards, by position in `shared`.
    case shared(Int)
  }

  /// A kernel of our own: written in Swift, or a call of one in C++.
  typealias OwnKernel = @Sendable (_ memory: BoundOperands, _ pass: PassFacts) -> Void

  struct Instruction: Sendable {
    enum Body: Sendable {
      case oneDNN(OneDNNKernel, [(role: onednn_role, operand: Operand)])
      case own([Operand], OwnKernel)
      case reduction(Reduction)
    }

    let label: String
    let body: Body
    /// The number of micro-batches in which a shard passes through the instruction.
    let microBatches: Int

    var operands: [Operand] {
      switch body {
      case .oneDNN(_, let arguments): arguments.map(\.operand)
      case .own(let operands, _): operands
      case .reduction(let reduction): [.buffer(reduction.partial)] + reduction.operands
      }
    }

    var reduction: Reduction? { if case .reduction(let reduction) = body { reduction } else { nil } }
  }

  /// An all-reduce: a point of the pass where partial results of all shards are combined.
  struct Reduction: Sendable {
    /// The partial result of one shard.
    struct Partial {
      let pointer: UnsafeMutablePointer<Float>
      /// The number of real examples in the shard.
      let batch: Int
    }

    /// Holds the partial result.
    let partial: BufferID
    /// What is read and written once for all shards: weights, gradients and shared memory.
    let operands: [Operand]
    /// The number of results, channels or weights. Each is independent of the others.
    let extent: Int
    /// Combines the partial results of all shards for a range of the results.
    let combine: @Sendable (_ partials: [Partial], _ memory: BoundOperands, _ results: Range<Int>) -> Void
  }

  /// Memory for one value.
  struct Buffer: Sendable {
    /// The bytes for one micro-batch.
    let bytes: Int
    let microBatches: Int
  }
}

/// The memory of an instruction's operands. Kernels ask for each operand by name, `memory[source]`.
struct BoundOperands {
  private let operands: [Lowering.Operand]
  private(set) var pointers: [UnsafeMutablePointer<Float>]

  init(_ operands: [Lowering.Operand], _ pointers: [UnsafeMutablePointer<Float>]) {
    self.operands = operands
    self.pointers = pointers
  }

  /// A search through the few operands of one instruction costs nothing beside the kernel.
  subscript(operand: Lowering.Operand) -> UnsafeMutablePointer<Float> {
    guard let index = operands.firstIndex(of: operand) else {
      preconditionFailure("a kernel asks for \(operand), which is not its operand")
    }
    return pointers[index]
  }

  subscript(buffer: Lowering.BufferID) -> UnsafeMutablePointer<Float> { self[.buffer(buffer)] }

  /// The indices of the operands that are gradients of weights, with their parameters.
  var gradients: [(index: Int, parameter: ParameterID)] {
    operands.enumerated().compactMap { index, operand in
      if case .gradient(let parameter) = operand { (index, parameter) } else { nil }
    }
  }

  mutating func bind(_ index: Int, to pointer: UnsafeMutablePointer<Float>) { pointers[index] = pointer }
}
