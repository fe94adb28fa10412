import CKernels

/// Gradients of the weights for one batch, in sets that are summed after the pass: one for each shard. A program with reductions sums over
/// shards layer by layer during its pass, and needs one set for each view only.
///
/// `@unchecked Sendable`: each task of an engine writes the set of its own shard. The sets are summed in disjoint ranges after all have
/// been written.
package final class Gradients: @unchecked Sendable {
  package let layout: ParameterLayout
  package let sets: Int
  private let workspace: Workspace
  private let base: UnsafeMutablePointer<Float>
  /// The floats from one set to the next.
  private let setStride: Int

  /// - Parameters:
  ///   - sets: how many there are.
  ///   - memory: a workspace and an offset in it, in bytes; by default they have memory of their own.
  package init(_ layout: ParameterLayout, sets: Int, in memory: (workspace: Workspace, offset: Int)? = nil) {
    self.layout = layout
    self.sets = sets
    setStride = Memory.aligned(layout.trainedCount * 4) / 4
    let bytes = Self.bytes(layout, sets: sets)
    workspace = memory?.workspace ?? Workspace(bytes: bytes)
    base = workspace.region(at: memory?.offset ?? 0, bytes: bytes).assumingMemoryBound(to: Float.self)
  }

  /// The bytes that `sets` sets of gradients take.
  package static func bytes(_ layout: ParameterLayout, sets: Int) -> Int { sets * Memory.aligned(layout.trainedCount * 4) }

  func set(_ index: Int) -> UnsafeMutablePointer<Float> { base + index * setStride }

  /// Sums the first `sets` sets by a `ReductionTree`, range by range in parallel, and passes each range's sum to `body`.
  ///
  /// - Parameter body: called once for each range of `layout`'s floats; the pointer is to the first float of the range.
  package func reduce(
    sets: Int, on engine: Engine, width: Int, _ body: @Sendable (_ range: Range<Int>, _ gradient: UnsafePointer<Float>) -> Void
  ) throws {
    try forEachRange(on: engine, width: width) { range, gradient in
      sum(sets, range)
      body(range, UnsafePointer(gradient))
    }
  }

  /// Passes each range of the first set to `body`, in parallel: the same ranges as `reduce`.
  package func forEachRange(
    on engine: Engine, width: Int, _ body: @Sendable (_ range: Range<Int>, _ gradient: UnsafeMutablePointer<Float>) -> Void
  ) throws {
    let chunk = 1 << 16  // floats; a multiple of every vector width, so that ranges do not change how a loop is vectorised
    try engine.parallel((layout.trainedCount + chunk - 1) / chunk, width: width) { task in
      let range = task * chunk..<min((task + 1) * chunk, layout.trainedCount)
      body(range, set(0) + range.lowerBound)
    }
  }

  /// Adds one set to another, on this thread.
  package func add(_ set: Int, to other: Int) {
    kernels.add(self.set(other), self.set(set), self.set(other), Int64(layout.trainedCount))
  }

  /// The sum over the first `sets` sets, on this thread.
  package func reduced(sets: Int) -> [Float] {
    sum(sets, 0..<layout.trainedCount)
    return Array(UnsafeBufferPointer(start: set(0), count: layout.trainedCount))
  }

  private func sum(_ sets: Int, _ range: Range<Int>) { Self.sum((0..<sets).map(set), range) }

  /// Sums a range of all sets into the first set.
  static func sum(_ sets: [UnsafeMutablePointer<Float>], _ range: Range<Int>) {
    ReductionTree(sets.count).forEachPair { left, right in
      let (sum, other) = (sets[left] + range.lowerBound, sets[right] + range.lowerBound)
      kernels.add(sum, other, sum, Int64(range.count))
    }
  }
}
