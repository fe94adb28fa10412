/// Steps that run once for each micro-batch of a shard.
struct MicroBatchLoop {
  /// The same steps for each part of the shard.
  private var microBatches: [[Step]]

  /// - Parameters:
  ///   - instructions: each in `count` micro-batches.
  ///   - resolve: the place of an operand for one part of the shard.
  init(
    _ instructions: ArraySlice<Lowering.Instruction>, microBatches count: Int,
    _ resolve: (_ operand: Lowering.Operand, _ microBatch: Int) -> UnsafeMutableRawPointer
  ) throws {
    microBatches = try (0..<count).map { microBatch in
      try instructions.map { try Step($0) { resolve($0, microBatch) } }
    }
  }

  func callAsFunction(_ pass: PassFacts) {
    for steps in microBatches { for step in steps { step(pass) } }
  }

  /// The seconds that each step takes alone for the whole shard, at its best; leaves what a pass leaves.
  func timed(_ pass: PassFacts) -> [Double] {
    // In their order, since a later step may write where an earlier one has read.
    guard microBatches.count > 1 else { return microBatches[0].map { step in BestTime.of { step(pass) } } }
    // What the loop reads stays through all of it. What its steps hand to one another is that of the last part, once all have passed, and
    // so becomes every part of what they leave, until all pass again.
    self(pass)
    defer { self(pass) }
    return microBatches[0].indices.map { step in
      BestTime.of { for steps in microBatches { steps[step](pass) } }
    }
  }

  /// Has the gradients of parameters go to `destination`.
  mutating func bindGradients(_ destination: (ParameterID) -> UnsafeMutablePointer<Float>) {
    for index in microBatches.indices {
      for step in microBatches[index].indices where microBatches[index][step].usesGradients {
        microBatches[index][step].bindGradients(destination)
      }
    }
  }
}
