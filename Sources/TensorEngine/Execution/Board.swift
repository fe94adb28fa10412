/// Where the shards of a batch meet: the memory that all of them read, and who fills it.
final class Board {
  /// Puts together what the given shards bring, in their order.
  typealias Bound = ([Lane]) -> Void

  /// Where what each meeting leaves lies.
  let places: [UnsafeMutableRawPointer]
  /// The meetings of each pass: meeting k comes after stage k.
  private(set) var forward: [Bound] = []
  private(set) var backward: [Bound] = []

  /// - Parameter base: `program.sharedBytes` that outlive it.
  init(_ program: Program, _ parameters: Parameters, at base: UnsafeMutableRawPointer) {
    let places = Memory.row(program.shared, from: base)
    self.places = places
    func resolve(_ operand: Lowering.Operand, _ lanes: [Lane]) -> UnsafeMutablePointer<Float> {
      switch operand {
      case .weight(let parameter): parameters.memory.floats() + program.layout.offsets[parameter]
      case .shared(let index): places[index].assumingMemoryBound(to: Float.self)
      case .gradient(let parameter): lanes[0].gradient(of: parameter)
      case .buffer, .prepared: preconditionFailure("a meeting sees nothing of a shard but its share")
      }
    }
    func bind(_ meeting: Lowering.Meeting) -> Bound {
      { lanes in meeting.combine(lanes.map { $0.share(meeting) }, meeting.operands.map { resolve($0, lanes) }) }
    }
    forward = program.forward.compactMap(\.meeting).map(bind)
    backward = program.backward.compactMap(\.meeting).map(bind)
  }
}
