import COneDNN

/// An instruction bound to memory.
struct Step {
  private enum Body {
    case oneDNN(Call)
    case own(Lowering.OwnKernel)
  }

  private let body: Body
  private var memory: BoundOperands
  private let gradients: [(index: Int, parameter: ParameterID)]

  /// - Parameter resolve: the address of each operand.
  init(_ instruction: Lowering.Instruction, _ resolve: (Lowering.Operand) -> UnsafeMutableRawPointer) throws {
    let operands = instruction.operands
    memory = BoundOperands(operands, operands.map { resolve($0).assumingMemoryBound(to: Float.self) })
    gradients = memory.gradients
    switch instruction.body {
    case .own(_, let kernel): body = .own(kernel)
    case .reduction: preconditionFailure("a reduction runs between steps, once for all shards")
    case .oneDNN(let kernel, let arguments):
      body = .oneDNN(try Call(kernel, zip(arguments, memory.pointers).map { ($0.role, UnsafeMutableRawPointer($1)) }))
    }
  }

  func callAsFunction(_ pass: PassFacts) {
    switch body {
    case .oneDNN(let kernel): kernel.execute()
    case .own(let kernel): kernel(memory, pass)
    }
  }

  /// Makes the step write the gradient of each parameter to `destination`.
  mutating func bindGradients(_ destination: (ParameterID) -> UnsafeMutablePointer<Float>) {
    for (index, parameter) in gradients {
      let pointer = destination(parameter)
      memory.bind(index, to: pointer)
      if case .oneDNN(let call) = body { call.point(index, to: UnsafeMutableRawPointer(pointer)) }
    }
  }
}
