import TensorEngine

/// One pass over some examples in batches: a collection of lists of indices. The last list may be shorter.
///
/// The order is a pure function of (seed, epoch, indices), so a run that is resumed within an epoch continues at `batches[step...]`.
package struct Batches: RandomAccessCollection, Sendable {
  /// All indices in the order of the pass.
  package let order: [Int]
  /// The number of examples in a batch.
  package let size: Int

  /// A training pass: `indices`, shuffled differently in each epoch.
  package init(shuffling indices: some Collection<Int>, size: Int, seed: UInt64, epoch: Int) {
    var stream = RandomStream(seed: seed, purpose: .shuffle, epoch: epoch)
    self.init(inOrder: Array(indices).permuted(by: &stream), size: size)
  }

  /// An evaluation pass: `indices` in the given order.
  package init(inOrder indices: some Collection<Int>, size: Int) {
    precondition(size > 0, "a batch of \(size) examples")
    order = Array(indices)
    self.size = size
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { (order.count + size - 1) / size }

  package subscript(position: Int) -> [Int] {
    precondition(indices.contains(position), "batch \(position) of \(count)")
    return Array(order[position * size..<Swift.min((position + 1) * size, order.count)])
  }
}
