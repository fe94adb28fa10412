/// What the kernels of a session want of its weights: packed, folded, transformed; shared by all lanes.
final class PreparedWeights {
  /// Where each result of the program's preparation lies.
  let places: [UnsafeMutableRawPointer]
  // The steps point into them.
  private let parameters: Parameters
  private let steps: [Step]

  /// - Parameter base: `program.preparedBytes` that outlive it.
  init(_ program: Program, _ parameters: Parameters, at base: UnsafeMutableRawPointer) throws {
    let places = Memory.row(program.prepared, from: base)
    self.places = places
    self.parameters = parameters
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

  func refresh() {
    for step in steps { step(LaneCall(batch: 0, dropout: nil)) }
  }
}
