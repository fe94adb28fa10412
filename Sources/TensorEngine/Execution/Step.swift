import COneDNN

/// An instruction bound to memory.
struct Step {
  private enum Work {
    case kernel(Call)
    case loop(Lowering.Loop)
  }

  private let work: Work
  private let operands: [Lowering.Operand]
  private var pointers: [UnsafeMutablePointer<Float>]

  /// - Parameter resolve: the place of each operand.
  init(_ instruction: Lowering.Instruction, _ resolve: (Lowering.Operand) -> UnsafeMutableRawPointer) throws {
    operands = instruction.operands
    pointers = operands.map { resolve($0).assumingMemoryBound(to: Float.self) }
    switch instruction.work {
    case .loop(_, let loop): work = .loop(loop)
    case .meeting: preconditionFailure("the shards meet between steps")
    case .kernel(let kernel, let arguments):
      work = .kernel(try Call(kernel, zip(arguments, pointers).map { ($0.role, UnsafeMutableRawPointer($1)) }))
    }
  }

  func callAsFunction(_ call: LaneCall) {
    switch work {
    case .kernel(let kernel): kernel.execute()
    case .loop(let loop): loop(pointers, call)
    }
  }

  /// Whether an operand follows the shard: where the gradient of a parameter goes.
  var follows: Bool {
    operands.contains { if case .gradient = $0 { true } else { false } }
  }

  /// Has the gradients of parameters go to `place`.
  mutating func follow(_ place: (ParameterID) -> UnsafeMutablePointer<Float>) {
    for (index, operand) in operands.enumerated() {
      guard case .gradient(let parameter) = operand else { continue }
      pointers[index] = place(parameter)
      if case .kernel(let call) = work { call.point(index, to: UnsafeMutableRawPointer(pointers[index])) }
    }
  }
}
