/// The weights of a session as its kernels read them: packed, folded, transformed. All contexts share them.
final class PackedWeights {
  /// The results of the program's packing.
  let buffers: [UnsafeMutableRawPointer]
  /// The steps of each stage. They need only what earlier stages have written, and write disjoint memory.
  let stages: [[Step]]
  // The steps point into them.
  private let parameters: Parameters

  /// - Parameter base: `program.packedBytes` that outlive it.
  init(_ program: Program, _ parameters: Parameters, at base: UnsafeMutableRawPointer) throws {
    let buffers = Memory.consecutive(program.packed, from: base)
    self.buffers = buffers
    self.parameters = parameters
    stages = try Self.stages(program.packing).map { stage in
      try stage.map { instruction in
        try Step(instruction) { operand in
          switch operand {
          case .weight(let parameter): UnsafeMutableRawPointer(parameters.memory.floats() + program.layout.offset(parameter))
          case .packed(let index): buffers[index]
          case .buffer, .gradient, .shared: preconditionFailure("packing reads nothing but weights")
          }
        }
      }
    }
  }

  static func run(_ step: Step) { step(PassFacts(batch: 0, draws: nil)) }

  /// The first instruction that names a result writes it; those that name it later read it.
  private static func stages(_ packing: [Lowering.Instruction]) -> [[Lowering.Instruction]] {
    var writtenIn: [Int: Int] = [:]
    var stages: [[Lowering.Instruction]] = []
    for instruction in packing {
      let results = instruction.operands.compactMap { if case .packed(let index) = $0 { index } else { nil } }
      let stage = results.compactMap { writtenIn[$0] }.reduce(0) { max($0, $1 + 1) }
      for result in results where writtenIn[result] == nil { writtenIn[result] = stage }
      if stage == stages.count { stages.append([]) }
      stages[stage].append(instruction)
    }
    return stages
  }
}
