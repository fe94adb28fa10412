/// The micro-batch of each layer: how many examples of a shard it processes at once.
///
/// Few where the values of a layer are large: then the result of one layer is still in the second-level cache when the next reads it, and
/// threads do not compete for the third level and for memory. Many where the values are small: then the weights are read less often.
struct MicroBatchSizes: Sendable {
  /// The most bytes that a value of one micro-batch has, unless one example alone has more.
  static let cache = 1 << 20
  /// By node. Sizes never fall from a node to the next, so that a run of layers works on one micro-batch after another.
  private let sizes: [Int]

  init(_ graph: Graph, for purpose: Purpose) {
    let shard = graph.sharding.size
    // Reductions need whole shards, and so do the gradients of weights: each is one sum over the shard.
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
