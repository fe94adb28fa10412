/// Steps through which a shard passes in parts, one after the other.
struct Passage {
  /// The same steps for each part of the shard.
  private var parts: [[Step]]

  /// - Parameters:
  ///   - instructions: in so many `parts` each.
  ///   - resolve: the place of an operand for one part of the shard.
  init(
    _ instructions: ArraySlice<Lowering.Instruction>, parts: Int,
    _ resolve: (_ operand: Lowering.Operand, _ part: Int) -> UnsafeMutableRawPointer
  ) throws {
    self.parts = try (0..<parts).map { part in
      try instructions.map { try Step($0) { resolve($0, part) } }
    }
  }

  func callAsFunction(_ call: LaneCall) {
    for steps in parts { for step in steps { step(call) } }
  }

  /// The seconds that each step takes alone for the whole shard, at its best; leaves what a pass leaves.
  func timed(_ call: LaneCall) -> [Double] {
    // In their order, since a later step may write where an earlier one has read.
    guard parts.count > 1 else { return parts[0].map { step in BestTime.of { step(call) } } }
    // What the passage reads stays through all of it. What its steps hand to one another is that of the last part, once all have passed, and
    // so becomes every part of what they leave, until all pass again.
    self(call)
    defer { self(call) }
    return parts[0].indices.map { step in
      BestTime.of { for part in parts { part[step](call) } }
    }
  }

  /// Has the gradients of parameters go to `place`.
  mutating func follow(_ place: (ParameterID) -> UnsafeMutablePointer<Float>) {
    for part in parts.indices {
      for step in parts[part].indices where parts[part][step].follows { parts[part][step].follow(place) }
    }
  }
}
