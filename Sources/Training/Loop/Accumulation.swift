import TensorEngine

/// How the batch of one update is cut into parts, one after the other in the same memory, whose gradients are added up.
///
/// Every part but the last has the same power of two of shards, so that adding up their gradients pair by pair is adding up those of all
/// shards in the order of the `ReductionTree`: without batch norm no bit depends on the count of parts. Batch norm takes the statistics of each
/// part by itself, as it does where PyTorch accumulates gradients.
package struct Accumulation: Hashable, Sendable {
  /// Of a part, at most.
  package let shards: Int
  /// Of the largest batch.
  package let parts: Int

  /// - Parameters:
  ///   - shards: of the whole batch.
  ///   - parts: how many there shall be at least, as far as there are shards for them.
  package init(shards: Int, parts: Int) {
    var size = 1
    while size * parts < shards { size *= 2 }
    self.shards = parts == 1 ? shards : min(size, shards)
    self.parts = (shards + self.shards - 1) / max(self.shards, 1)
  }

  /// The sums of gradients that wait at once to be added to others, at most: after k parts as many as there are ones in the binary k.
  var waitingSums: Int { parts > 1 ? Int.bitWidth - 1 - (parts + 1).leadingZeroBitCount : 0 }
}

/// The sum over the parts of a batch: neighbours are added first, as in the `ReductionTree`.
struct AccumulatedGradients {
  let gradients: Gradients
  /// The set of the first sum that waits; further ones follow.
  let firstSet: Int
  let engine: Engine
  let width: Int
  /// The parts in each sum that waits, fewer from one to the next.
  private var waiting: [Int] = []

  init(_ gradients: Gradients, firstSet: Int, on engine: Engine, width: Int) {
    self.gradients = gradients
    self.firstSet = firstSet
    self.engine = engine
    self.width = width
  }

  /// Takes in the gradients of the next part.
  ///
  /// - Parameter sets: how many sets they are in, from the first on; they are overwritten.
  mutating func add(sets: Int) throws {
    try gradients.reduce(sets: sets, on: engine, width: width) { _, _ in }
    guard waiting.last == 1 else {
      try gradients.copy(0, to: firstSet + waiting.count, on: engine, width: width)
      return waiting.append(1)
    }
    try gradients.add(0, to: firstSet + waiting.count - 1, on: engine, width: width)
    waiting[waiting.count - 1] = 2
    while waiting.count > 1, waiting[waiting.count - 1] == waiting[waiting.count - 2] { try addLast() }
  }

  /// Leaves the sum over all parts in the first set.
  mutating func finish() throws {
    while waiting.count > 1 { try addLast() }
    try gradients.copy(firstSet, to: 0, on: engine, width: width)
  }

  private mutating func addLast() throws {
    let last = waiting.removeLast()
    try gradients.add(firstSet + waiting.count, to: firstSet + waiting.count - 1, on: engine, width: width)
    waiting[waiting.count - 1] += last
  }
}
