/// How many examples of a shard pass through each layer at once.
///
/// Where the values of a layer are large, a few: so what one layer leaves is still in the second-level cache when the next reads it, and
/// the threads need not share the third level and the memory behind it. Where they are small, many: the weights are read once for all.
struct MicroBatchSizes: Sendable {
  /// The bytes that a value of one portion may have, where that leaves at least one example.
  static let cache = 1 << 20
  /// By node; from each to the next the same or more, so that a run of layers passes a portion on.
  private let sizes: [Int]

  init(_ graph: Graph, for purpose: Purpose) {
    let shard = graph.shard.size
    // Where shards meet, they meet as a whole; and the gradient of a weight is one sum over the shard.
    guard purpose.isDisjoint(with: [.batchStatistics, .weightGradients]) else {
      sizes = graph.nodes.map { _ in shard }
      return
    }
    var sizes: [Int] = []
    var size = shard
    for node in graph.nodes.reversed() {
      let largest = node.inputs.reduce(node.shape.count) { max($0, graph[$1].shape.count) } * 4
      while size > 1 && size * largest > Self.cache { size /= 2 }
      sizes.append(size)
    }
    self.sizes = sizes.reversed()
  }

  subscript(node: Graph.NodeID) -> Int { sizes[node.index] }
}
