/// The unit of work: so many examples of a batch pass through a whole program on one thread.
///
/// The size depends on the network alone, so that kernels, and hence roundings, never depend on batch size or the number of threads. A
/// smaller remainder is padded with zeros inside the engine.
package struct Shard: Hashable, Sendable {
  package let size: Int

  /// For images as large as MNIST's and CIFAR's.
  package static let largest = 32

  /// The largest power of two, up to `largest`, with which the largest value of a network still has at most 20 MB.
  ///
  /// - Parameter activations: the number of floats of the network's largest value, for one example.
  init(activations: Int) {
    var size = Self.largest
    while size > 1 && size * activations > 5 << 20 { size /= 2 }
    self.size = size
  }

  /// The number of shards that hold `examples`.
  package func count(_ examples: Int) -> Int { (examples + size - 1) / size }

  /// The examples of shard `index` among `examples`.
  package func range(_ index: Int, of examples: Int) -> Range<Int> { index * size..<min((index + 1) * size, examples) }
}
