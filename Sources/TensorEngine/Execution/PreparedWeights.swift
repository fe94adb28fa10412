/// What the kernels of a session want of its weights: packed, folded, transformed; shared by all lanes.
final class PreparedWeights {
  /// Where each result of the program's preparation lies.
  let places: [UnsafeMutableRawPointer]
  /// The steps of each stage, which need nothing but what earlier stages have left.
  let stages: [[Int]]
  // The steps point into them.
  private let parameters: Parameters
  private let steps: [Step]

  /// - Parameter base: `program.preparedBytes` that outlive it.
  init(_ program: Program, _ parameters: Parameters, at base: UnsafeMutableRawPointer) throws {
    let places = Memory.row(program.prepared, from: base)
    self.places = places
    self.parameters = parameters
    stages = Self.stages(program.preparation)
    steps = try program.preparation.map { [places] in
      try Step($0) { operand in
        switch operand {
        case .weight(let parameter): UnsafeMutableRawPointer(parameters.memory.floats() + program.layout.offsets[parameter])
        case .prepared(let index): places[index]
        case .buffer, .gradient, .shared: preconditionFailure("a preparation sees nothing but weights")
        }
      }
    }
  }

  func run(_ step: Int) { steps[step](LaneCall(batch: 0, dropout: nil)) }

  /// Whoever names a result first makes it; those that name it after need it.
  private static func stages(_ preparation: [Lowering.Instruction]) -> [[Int]] {
    var made: [Int: Int] = [:]
    var stages: [[Int]] = []
    for (step, instruction) in preparation.enumerated() {
      let results = instruction.operands.compactMap { if case .prepared(let index) = $0 { index } else { nil } }
      let stage = results.compactMap { made[$0] }.reduce(0) { max($0, $1 + 1) }
      for result in results where made[result] == nil { made[result] = stage }
      if stage == stages.count { stages.append([]) }
      stages[stage].append(step)
    }
    return stages
  }
}
