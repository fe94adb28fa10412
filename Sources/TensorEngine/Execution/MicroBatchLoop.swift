/// Steps that run once for each micro-batch of a shard.
struct MicroBatchLoop {
  /// The same steps, bound to the memory of each micro-batch.
  private var microBatches: [[Step]]

  /// - Parameters:
  ///   - instructions: all with so many micro-batches.
  ///   - resolve: the address of an operand for one micro-batch.
  init(
    _ instructions: ArraySlice<Lowering.Instruction>, microBatches count: Int,
    _ resolve: (_ operand: Lowering.Operand, _ microBatch: Int) -> UnsafeMutableRawPointer
  ) throws {
    microBatches = try (0..<count).map { microBatch in
      try instructions.map { try Step($0) { resolve($0, microBatch) } }
    }
  }

  func callAsFunction(_ pass: PassFacts) {
    for (index, steps) in microBatches.enumerated() {
      var pass = pass
      pass.microBatch = index
      for step in steps { step(pass) }
    }
  }

  /// The seconds that each step takes alone for the whole shard, at its best. Afterwards memory is as after a pass.
  func timed(_ pass: PassFacts) -> [Double] {
    // In their order: a later step may write where an earlier one has read.
    guard microBatches.count > 1 else { return microBatches[0].map { step in BestTime.of { step(pass) } } }
    // After the last micro-batch, intermediate buffers hold that micro-batch only. A step that is timed for all micro-batches reads it each
    // time, so its results are wrong until the whole loop has run again.
    self(pass)
    defer { self(pass) }
    return microBatches[0].indices.map { step in
      BestTime.of { for steps in microBatches { steps[step](pass) } }
    }
  }

  /// Makes the steps write the gradient of each parameter to `destination`.
  mutating func bindGradients(_ destination: (ParameterID) -> UnsafeMutablePointer<Float>) {
    for index in microBatches.indices {
      for step in microBatches[index].indices { microBatches[index][step].bindGradients(destination) }
    }
  }
}
