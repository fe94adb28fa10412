/// The fixed order in which the partial results of shards are combined: neighbours 0 and 1, 2 and 3, …, then the results of those pairs, and
/// so on.
///
/// The order depends on nothing but the number of shards, so rounding is the same on any number of threads. A subtree combines shards that
/// lie next to each other, so a machine of a cluster can own one.
package struct ReductionTree: Sendable {
  package let count: Int

  /// - Parameter count: of the partial results.
  package init(_ count: Int) { self.count = count }

  /// Calls `combine` for each pair in order. The result of a pair takes the place of its left partial result, that of the whole tree the
  /// place of the first.
  package func forEachPair(_ combine: (_ left: Int, _ right: Int) -> Void) {
    var span = 1
    while span < count {
      for left in stride(from: 0, to: count - span, by: 2 * span) { combine(left, left + span) }
      span *= 2
    }
  }

  /// All values combined; nil when there are none.
  package static func combined<Value>(_ values: [Value], _ combine: (inout Value, Value) -> Void) -> Value? {
    var values = values
    ReductionTree(values.count).forEachPair { combine(&values[$0], values[$1]) }
    return values.first
  }
}
