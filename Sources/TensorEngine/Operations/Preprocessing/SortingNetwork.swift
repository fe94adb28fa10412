/// Comparisons in a fixed order that bring the middle one of some values to the middle, without branches, so that many pixels go through
/// them at once: those of Batcher's odd–even merge sort (1968) that the middle depends on.
package struct SortingNetwork: Sendable {
  /// Each puts the smaller of two values first.
  package let comparisons: [(first: Int, second: Int)]
  package let count: Int

  /// - Parameter count: odd.
  package init(medianOf count: Int) {
    self.count = count
    var needed: Set = [count / 2]
    var kept: [(first: Int, second: Int)] = []
    for (first, second) in Self.mergeSort(count).reversed() where needed.contains(first) || needed.contains(second) {
      needed.formUnion([first, second])
      kept.append((first, second))
    }
    comparisons = kept.reversed()
  }

  /// Runs of `length` are merged in pairs; `distance` is that of the values compared.
  private static func mergeSort(_ count: Int) -> [(Int, Int)] {
    var comparisons: [(Int, Int)] = []
    func halvings(of length: Int) -> [Int] { Array(sequence(first: length) { $0 > 1 ? $0 / 2 : nil }) }
    for length in sequence(first: 1, next: { 2 * $0 < count ? 2 * $0 : nil }) {
      for distance in halvings(of: length) {
        for start in stride(from: distance % length, to: count - distance, by: 2 * distance) {
          for first in start..<min(start + distance, count - distance)
          where first / (2 * length) == (first + distance) / (2 * length) { comparisons.append((first, first + distance)) }
        }
      }
    }
    return comparisons
  }

  /// Sorts as far as the middle needs, lane by lane. A NaN is left where it is.
  @inline(__always) func sort(_ values: UnsafeMutablePointer<SIMD8<Float>>) {
    for (first, second) in comparisons {
      let (one, other) = (values[first], values[second])
      let isFalling = other .< one
      values[first] = one.replacing(with: other, where: isFalling)
      values[second] = other.replacing(with: one, where: isFalling)
    }
  }
}
