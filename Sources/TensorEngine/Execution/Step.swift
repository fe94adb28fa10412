import COneDNN

/// An instruction bound to memory.
struct Step {
  private enum Body {
    case kernel(Call)
    case loop(Lowering.Loop)
  }

  private let body: Body
  private let operands: [Lowering.Operand]
  private var pointers: [UnsafeMutablePointer<Float>]

  /// - Parameter resolve: the place of each operand.
  init(_ instruction: Lowering.Instruction, _ resolve: (Lowering.Operand) -> UnsafeMutableRawPointer) throws {
    operands = instruction.operands
    pointers = operands.map { resolve($0).assumingMemoryBound(to: Float.self) }
    switch instruction.body {
    case .loop(_, let loop): body = .loop(loop)
    case .reduction: preconditionFailure("the shards meet between steps")
    case .kernel(let kernel, let arguments):
      body = .kernel(try Call(kernel, zip(arguments, pointers).map { ($0.role, UnsafeMutableRawPointer($1)) }))
    }
  }

  func callAsFunction(_ pass: PassFacts) {
    switch body {
    case .kernel(let kernel): kernel.execute()
    case .loop(let loop): loop(pointers, pass)
    }
  }

  /// Whether an operand follows the shard: where the gradient of a parameter goes.
  var usesGradients: Bool {
    operands.contains { if case .gradient = $0 { true } else { false } }
  }

  /// Has the gradients of parameters go to `destination`.
  mutating func bindGradients(_ destination: (ParameterID) -> UnsafeMutablePointer<Float>) {
    for (index, operand) in operands.enumerated() {
      guard case .gradient(let parameter) = operand else { continue }
      pointers[index] = destination(parameter)
      if case .kernel(let call) = body { call.point(index, to: UnsafeMutableRawPointer(pointers[index])) }
    }
  }
}
