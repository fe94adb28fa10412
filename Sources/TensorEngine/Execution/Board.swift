/// Where the shards of a batch meet: the memory that all of them read, and who fills it.
final class Board {
  /// A meeting whose places are known.
  struct Place {
    private let meeting: Lowering.Meeting
    private let resolve: (Lowering.Operand, Lane) -> UnsafeMutablePointer<Float>

    init(_ meeting: Lowering.Meeting, _ resolve: @escaping (Lowering.Operand, Lane) -> UnsafeMutablePointer<Float>) {
      self.meeting = meeting
      self.resolve = resolve
    }

    /// How many results it has, each independent of the others.
    var extent: Int { meeting.extent }

    /// Puts together what the given shards bring, in their order.
    ///
    /// - Parameter part: of the results; by default all.
    func callAsFunction(_ lanes: [Lane], _ part: Range<Int>? = nil) {
      meeting.combine(lanes.map { $0.share(meeting) }, meeting.operands.map { resolve($0, lanes[0]) }, part ?? 0..<extent)
    }
  }

  /// Where what each meeting leaves lies.
  let places: [UnsafeMutableRawPointer]
  /// The meetings of each pass: meeting k comes after stage k.
  private(set) var forward: [Place] = []
  private(set) var backward: [Place] = []

  /// - Parameter base: `program.sharedBytes` that outlive it.
  init(_ program: Program, _ parameters: Parameters, at base: UnsafeMutableRawPointer) {
    let places = Memory.row(program.shared, from: base)
    self.places = places
    func resolve(_ operand: Lowering.Operand, _ lane: Lane) -> UnsafeMutablePointer<Float> {
      switch operand {
      case .weight(let parameter): parameters.memory.floats() + program.layout.offsets[parameter]
      case .shared(let index): places[index].assumingMemoryBound(to: Float.self)
      case .gradient(let parameter): lane.gradient(of: parameter)
      case .buffer, .prepared: preconditionFailure("a meeting sees nothing of a shard but its share")
      }
    }
    forward = program.forward.compactMap(\.meeting).map { Place($0, resolve) }
    backward = program.backward.compactMap(\.meeting).map { Place($0, resolve) }
  }
}
