/// Where the shards of a batch meet: the memory that all of them read, and who fills it.
final class Board {
  /// Puts together what the given shards bring, in their order.
  typealias Bound = ([Lane]) -> Void

  /// Where what each meeting leaves lies.
  let places: [UnsafeMutableRawPointer]
  /// The meetings of each pass: meeting k comes after stage k.
  private(set) var forward: [Bound] = []
  private(set) var backward: [Bound] = []
  private let memory: Memory

  init(_ program: Program, _ parameters: Parameters) {
    let memory = Memory(bytes: program.shared.reduce(0) { $0 + Memory.aligned($1) })
    var places: [UnsafeMutableRawPointer] = []
    var next = memory.base
    for bytes in program.shared {
      places.append(next)
      next += Memory.aligned(bytes)
    }
    self.memory = memory
    self.places = places
    func bind(_ meeting: Lowering.Meeting) -> Bound {
      let pointers = meeting.operands.map { operand in
        switch operand {
        case .weight(let parameter): parameters.memory.floats() + program.layout.offsets[parameter]
        case .shared(let index): places[index].assumingMemoryBound(to: Float.self)
        case .buffer, .prepared, .gradient: preconditionFailure("a meeting sees nothing of a shard but its share")
        }
      }
      return { lanes in meeting.combine(lanes.map { $0.share(meeting) }, pointers) }
    }
    forward = program.forward.compactMap(\.meeting).map(bind)
    backward = program.backward.compactMap(\.meeting).map(bind)
  }
}
