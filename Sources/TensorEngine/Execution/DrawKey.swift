/// The key of a pass's random numbers, of dropout and noise: the same draw of an example in an epoch is the same, in any batch.
package struct DrawKey: Sendable {
  package let seed: UInt64
  package let epoch: Int
  /// The identity of each example of the shard.
  package let examples: [Int]
  /// Which of several draws for each example. In training each of several images of an example has one of its own.
  package let draw: Int

  package init(seed: UInt64, epoch: Int = 0, examples: [Int], draw: Int = 0) {
    self.seed = seed
    self.epoch = epoch
    self.examples = examples
    self.draw = draw
  }

  /// The random numbers of the example in a row, for one node. Epochs stay below a million, so that nodes can be told apart by what is above.
  func stream(_ purpose: RandomPurpose, row: Int, node: Graph.NodeID) -> RandomStream {
    RandomStream(seed: seed, purpose: purpose, epoch: epoch + node.index << 20, example: examples[row], round: draw)
  }
}
