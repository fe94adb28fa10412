/// What the kernels of a session want of its weights: packed, folded, transformed; shared by all contexts.
final class PackedWeights {
  /// Where each result of the program's packing lies.
  let buffers: [UnsafeMutableRawPointer]
  /// The steps of each stage, which need nothing but what earlier stages have left.
  let stages: [[Int]]
  // The steps point into them.
  private let parameters: Parameters
  private let steps: [Step]

  /// - Parameter base: `program.packedBytes` that outlive it.
  init(_ program: Program, _ parameters: Parameters, at base: UnsafeMutableRawPointer) throws {
    let buffers = Memory.consecutive(program.packed, from: base)
    self.buffers = buffers
    self.parameters = parameters
    stages = Self.stages(program.packing)
    steps = try program.packing.map { [buffers] in
      try Step($0) { operand in
        switch operand {
        case .weight(let parameter): UnsafeMutableRawPointer(parameters.memory.floats() + program.layout.offset(parameter))
        case .packed(let index): buffers[index]
        case .buffer, .gradient, .shared: preconditionFailure("a packing sees nothing but weights")
        }
      }
    }
  }

  func run(_ step: Int) { steps[step](PassFacts(batch: 0, dropout: nil)) }

  /// Whoever names a result first makes it; those that name it after need it.
  private static func stages(_ packing: [Lowering.Instruction]) -> [[Int]] {
    var made: [Int: Int] = [:]
    var stages: [[Int]] = []
    for (step, instruction) in packing.enumerated() {
      let results = instruction.operands.compactMap { if case .packed(let index) = $0 { index } else { nil } }
      let stage = results.compactMap { made[$0] }.reduce(0) { max($0, $1 + 1) }
      for result in results where made[result] == nil { made[result] = stage }
      if stage == stages.count { stages.append([]) }
      stages[stage].append(step)
    }
    return stages
  }
}
