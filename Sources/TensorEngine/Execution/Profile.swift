import Synchronization

/// The time of one instruction of a program, run alone, again and again.
package struct InstructionProfile: Hashable, Sendable {
  /// The operation and its direction, `conv to input`.
  package let label: String
  /// The position of the operation in the graph.
  package let node: Graph.NodeID
  /// Which kernel computes it.
  package let implementation: String
  /// Multiplications and additions of one shard, each counted once.
  package let floatingPointOperations: Int
  /// For one shard on one thread, at its best.
  package let seconds: Double
}

extension Program {
  /// Times each instruction on several threads at once, because in a run they share the machine's memory and power.
  ///
  /// - Parameters:
  ///   - images: a full shard.
  ///   - threads: of `engine`.
  /// - Returns: the instructions in their order, each with the mean over the threads of its best time.
  package func profile(_ images: Tensor, parameters: Parameters, threads: Int, on engine: Engine) throws -> [InstructionProfile] {
    let times = Mutex<[[Double]]>([])
    try engine.parallel(threads, width: threads) { _ in
      // Each thread has its own weights, because reductions update the running statistics.
      let weights = Parameters(layout)
      weights.copy(from: parameters)
      let session = try Session(self, parameters: weights, contexts: 1)
      let own = session[0].timed(images, gradients: purpose.contains(.weightGradients) ? Gradients(layout, sets: 1) : nil)
      times.withLock { $0.append(own) }
    }
    let rows = times.withLock { $0 }
    return zip(forward + backward, costs).enumerated().map { index, entry in
      InstructionProfile(
        label: entry.0.label, node: entry.1.node, implementation: entry.0.implementation,
        floatingPointOperations: entry.1.floatingPointOperations,
        seconds: rows.reduce(0) { $0 + $1[index] } / Double(rows.count))
    }
  }
}

extension Lowering.Instruction {
  /// Which kernel computes it.
  var implementation: String {
    switch body {
    case .oneDNN(let kernel, _): kernel.implementation
    case .own: "own"
    case .reduction: "reduction"
    }
  }
}

/// The time of something when nothing disturbs it.
enum BestTime {
  /// The seconds of the fastest of some repetitions. `body` must not overwrite what it reads.
  static func of(_ body: () -> Void) -> Double {
    var best = Double.infinity
    let start = ContinuousClock.now
    var repetitions = 0
    while repetitions < 3 || (repetitions < 50 && ContinuousClock.now - start < .milliseconds(20)) {
      let begun = ContinuousClock.now
      body()
      best = min(best, (ContinuousClock.now - begun) / .seconds(1))
      repetitions += 1
    }
    return best
  }
}
