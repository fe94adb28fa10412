/// The unit of work: this many examples of a batch pass through a whole program on one thread.
///
/// The size depends on the network alone, so kernels and rounding never depend on the batch size or on the number of threads. The last shard
/// of a batch may have fewer examples; the engine pads it with zeros.
package struct Sharding: Hashable, Sendable {
  package let size: Int

  /// The size for small images, such as MNIST's and CIFAR's.
  package static let largest = 32

  /// The largest power of two, up to `largest`, with which no value of the network has more than 20 MB.
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
