/// Two sums for each channel, in double precision: a shard's partial result for a reduction of batch norm.
struct Moments {
  let first, second: UnsafeMutablePointer<Double>

  /// In memory for `2 * channels` doubles.
  init(_ memory: UnsafeMutablePointer<Float>, _ channels: Int) {
    first = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Double.self)
    second = first + channels
  }

  /// The statistics of a batch, channel by channel.
  struct Statistics {
    let means: UnsafeMutablePointer<Double>
    /// The sums of squares about the means.
    let squares: UnsafeMutablePointer<Double>
    /// The number of values of a channel.
    let count: Double
  }

  /// Combines the statistics of all shards, where `first` holds the means of a shard and `second` the sums of squares about them. The first
  /// shard's memory then holds the result for the channels in `range`.
  static func combineStatistics(
    _ partials: [Lowering.Reduction.Partial], _ channels: Int, rowsOfExample: Int, _ range: Range<Int>
  ) -> Statistics {
    let moments = partials.map { Moments($0.pointer, channels) }
    var counts = partials.map { Double($0.batch * rowsOfExample) }
    ReductionTree(partials.count).forEachPair { left, right in
      moments[left].add(moments[right], counts[left], counts[right], range)
      counts[left] += counts[right]
    }
    return Statistics(means: moments[0].first, squares: moments[0].second, count: counts[0])
  }

  /// Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.
  private func add(_ other: Moments, _ count: Double, _ otherCount: Double, _ range: Range<Int>) {
    guard otherCount > 0 else { return }
    let part = otherCount / (count + otherCount)
    for c in range {
      let distance = other.first[c] - first[c]
      first[c] += distance * part
      second[c] += other.second[c] + distance * distance * count * part
    }
  }

  /// Adds up the sums of all shards. The first shard's memory then holds the result for the channels in `range`.
  static func sum(_ partials: [Lowering.Reduction.Partial], _ channels: Int, _ range: Range<Int>) -> Moments {
    let moments = partials.map { Moments($0.pointer, channels) }
    ReductionTree(partials.count).forEachPair { left, right in
      for c in range {
        moments[left].first[c] += moments[right].first[c]
        moments[left].second[c] += moments[right].second[c]
      }
    }
    return moments[0]
  }
}
