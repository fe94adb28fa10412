import CKernels

/// The gradients of the weights of one batch: one set for each shard, summed after the pass. A program with reductions sums them layer by
/// layer during its pass, and needs one set only.
///
/// `@unchecked Sendable`: each task of an engine writes the set of its own shard. The sets are summed in disjoint ranges after all have
/// been written.
package final class Gradients: @unchecked Sendable {
  package let layout: ParameterLayout
  package let shards: Int
  private let workspace: Workspace
  private let base: UnsafeMutablePointer<Float>
  /// The floats from one set to the next.
  private let setStride: Int

  /// - Parameters:
  ///   - shards: the largest number of shards in a batch.
  ///   - memory: a workspace and an offset in it, in bytes; by default they have memory of their own.
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

  /// Sums the first `shards` sets by a `ReductionTree`, range by range in parallel, and passes each range's sum to `body`.
  ///
  /// - Parameter body: called once for each range of `layout`'s floats; the pointer is to the first float of the range.
  package func reduce(
    shards: Int, on engine: Engine, width: Int, _ body: @Sendable (_ range: Range<Int>, _ gradient: UnsafePointer<Float>) -> Void
  ) throws {
    let chunk = 1 << 16  // floats; a multiple of every vector width, so that ranges do not change how a loop is vectorised
    try engine.parallel((layout.trainedCount + chunk - 1) / chunk, width: width) { task in
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

  /// Sums a range of all sets into the first set.
  static func sum(_ sets: [UnsafeMutablePointer<Float>], _ range: Range<Int>) {
    ReductionTree(sets.count).forEachPair { left, right in
      let (sum, other) = (sets[left] + range.lowerBound, sets[right] + range.lowerBound)
      kernels.add(sum, other, sum, Int64(range.count))
    }
  }
}
