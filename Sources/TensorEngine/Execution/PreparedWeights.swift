/// What the kernels of a session want of its weights: packed, folded, transformed; shared by all lanes.
final class PreparedWeights {
  /// Where each result of the program's preparation lies.
  let places: [UnsafeMutableRawPointer]
  private let memory: Memory
  // The steps point into it.
  private let parameters: Parameters
  private let steps: [Step]

  init(_ program: Program, _ parameters: Parameters) throws {
    let memory = Memory(bytes: program.preparedBytes)
    var places: [UnsafeMutableRawPointer] = []
    var next = memory.base
    for bytes in program.prepared {
      places.append(next)
      next += Memory.aligned(bytes)
    }
    self.memory = memory
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
