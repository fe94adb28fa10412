/// Two sums for each channel, in double precision: a shard's partial result for a reduction of batch norm.
struct Moments {
  let first, second: UnsafeMutablePointer<Double>

  /// In memory for `2 * channels` doubles.
  init(_ memory: UnsafeMutablePointer<Float>, _ channels: Int) {
    first = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Double.self)
    second = first + channels
  }

  /// The moments of all shards together (Chan, Golub and LeVeque, "Updating Formulae and a Pairwise
  /// Algorithm for Computing Sample Variances", 1979), where `first` holds the mean of each shard and `second` the squares about it.
  static func combined(
    _ partials: [Lowering.Reduction.Partial], _ channels: Int, rowsOfExample: Int
  ) -> BatchMoments {
    var count = 0.0
    var means = [Double](repeating: 0, count: channels)
    var squares = means
    for partial in partials where partial.batch > 0 {
      let other = Moments(partial.pointer, channels)
      let added = Double(partial.batch * rowsOfExample)
      for c in 0..<channels {
        let distance = other.first[c] - means[c]
        means[c] += distance * added / (count + added)
        squares[c] += other.second[c] + distance * distance * count * added / (count + added)
      }
      count += added
    }
    return BatchMoments(count: count, means: means, squares: squares)
  }
}

/// The statistics of a whole batch, channel by channel.
struct BatchMoments {
  /// The number of values of a channel.
  var count: Double
  var means: [Double]
  /// The sums of squares about the means.
  var squares: [Double]
}
