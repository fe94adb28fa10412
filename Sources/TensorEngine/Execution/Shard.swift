/// The unit of work: so many examples pass through a whole program on one thread.
///
/// The size is fixed, so that kernels, and hence roundings, never depend on batch size or the number of threads. A smaller
/// remainder is padded with zeros inside the engine.
package enum Shard {
  package static let size = 32

  /// The number of shards that hold `examples`.
  package static func count(_ examples: Int) -> Int { (examples + size - 1) / size }

  /// The examples of shard `index` among `examples`.
  package static func range(_ index: Int, of examples: Int) -> Range<Int> { index * size..<min((index + 1) * size, examples) }
}
