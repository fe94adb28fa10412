/// The offset of each buffer of a program in its arena. Two buffers that are never needed at once may share bytes.
struct MemoryPlan: Sendable {
  /// The first byte of each buffer.
  let offsets: [Int]
  /// The size of the arena.
  let bytes: Int

  /// Greedy by size (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, section 5.2): the largest
  /// first, each at the lowest offset where it overlaps no buffer that lives at the same time.
  ///
  /// - Parameters:
  ///   - sizes: the bytes of each buffer.
  ///   - lifetimes: the first and last moment at which it is needed; `nil` for a buffer that never is.
  init(sizes: [Int], lifetimes: [ClosedRange<Int>?]) {
    var offsets = [Int](repeating: 0, count: sizes.count)
    var placed: [(lifetime: ClosedRange<Int>, start: Int, end: Int)] = []
    var bytes = 0
    for buffer in sizes.indices.sorted(by: { (sizes[$0], $1) > (sizes[$1], $0) }) {
      guard let lifetime = lifetimes[buffer] else { continue }
      let size = Memory.aligned(sizes[buffer])
      var start = 0
      for other in placed where other.lifetime.overlaps(lifetime) {
        if start + size <= other.start { break }
        start = max(start, other.end)
      }
      offsets[buffer] = start
      bytes = max(bytes, start + size)
      let position = placed.firstIndex { $0.start > start } ?? placed.endIndex
      placed.insert((lifetime, start, start + size), at: position)
    }
    self.offsets = offsets
    self.bytes = bytes
  }
}
