import CKernels

/// The gradients of the weights of one batch: one set for each shard, summed in a fixed tree. A program whose shards meet sums them up on
/// its way, and needs but one.
///
/// `@unchecked Sendable`: each task of an engine writes the set of its own shard, and they are summed in disjoint ranges after all
/// have been written.
package final class Gradients: @unchecked Sendable {
  package let layout: ParameterLayout
  package let shards: Int
  private let workspace: Workspace
  private let base: UnsafeMutablePointer<Float>
  /// The floats from one set to the next.
  private let setStride: Int

  /// - Parameter shards: the largest number of shards in a batch.
  /// - Parameter memory: memory to lie in from so many bytes on, instead of memory of their own.
  package init(_ layout: ParameterLayout, shards: Int, in memory: (workspace: Workspace, offset: Int)? = nil) {
    self.layout = layout
    self.shards = shards
    setStride = Memory.aligned(layout.trainedCount * 4) / 4
    let bytes = Self.bytes(layout, shards: shards)
    workspace = memory?.workspace ?? Workspace(bytes: bytes)
    base = workspace.region(at: memory?.offset ?? 0, bytes: bytes).assumingMemoryBound(to: Float.self)
  }

  /// The bytes that `shards` sets of gradients take.
  package static func bytes(_ layout: ParameterLayout, shards: Int) -> Int { shards * Memory.aligned(layout.trainedCount * 4) }

  func shard(_ index: Int) -> UnsafeMutablePointer<Float> { base + index * setStride }

  /// Sums the first `shards` sets, range by range in parallel, and hands each range its sum.
  ///
  /// Shard 0 + 1, 2 + 3, …, then the sums of those pairs, and so on: the order of additions depends on nothing but `shards`.
  ///
  /// - Parameter body: called once for each range of `layout`'s floats; the pointer is to the first float of the range.
  package func reduce(
    shards: Int, on engine: Engine, width: Int, _ body: @Sendable (_ range: Range<Int>, _ gradient: UnsafePointer<Float>) -> Void
  ) throws {
    let chunk = 1 << 16  // floats; a multiple of every vector width, so that ranges do not change how a loop is vectorised
    try engine.parallel((layout.trainedCount + chunk - 1) / chunk, width: width) { task, _ in
      let range = task * chunk..<min((task + 1) * chunk, layout.trainedCount)
      sum(shards, range)
      body(range, UnsafePointer(shard(0) + range.lowerBound))
    }
  }

  /// Adds one set to another, on this thread.
  package func add(_ set: Int, to other: Int) {
    kernels.add(shard(other), shard(set), shard(other), Int64(layout.trainedCount))
  }

  /// The sum over the first `shards` sets, on this thread.
  package func reduced(shards: Int) -> [Float] {
    sum(shards, 0..<layout.trainedCount)
    return Array(UnsafeBufferPointer(start: shard(0), count: layout.trainedCount))
  }

  private func sum(_ shards: Int, _ range: Range<Int>) { Self.sum((0..<shards).map(shard), range) }

  /// Leaves the sum in the first set, in the order of `reduce`.
  static func sum(_ sets: [UnsafeMutablePointer<Float>], _ range: Range<Int>) {
    var span = 1
    while span < sets.count {
      for left in stride(from: 0, to: sets.count - span, by: 2 * span) {
        let (into, from) = (sets[left] + range.lowerBound, sets[left + span] + range.lowerBound)
        kernels.add(into, from, into, Int64(range.count))
      }
      span *= 2
    }
  }
}
