import CKernels

/// A shard of images as rows of channels, a row for each pixel: how a loop over channels sees it.
struct Rows: Sendable {
  /// The rows of one example.
  let count: Int
  let channels: Int
  private let shardSize: Int
  private var all: Int { shardSize * count }

  /// - Parameter shardSize: how many examples there are.
  init(_ shape: Shape, _ shardSize: Int) {
    self.shardSize = shardSize
    channels = shape.dimensions.last ?? 1
    count = shape.count / max(channels, 1)
  }

  /// y = factor · x + shift, brought into `range`; `coefficients` holds the factors and then the shifts.
  func scale(
    _ x: UnsafePointer<Float>, by coefficients: UnsafePointer<Float>, within range: ClosedRange<Float>,
    to y: UnsafeMutablePointer<Float>
  ) {
    var finish = kernels_finish(
      bias: coefficients + channels, addend: nil, mask: nil, low: range.lowerBound, high: range.upperBound, mask_low: 0, mask_high: 0)
    kernels_scale(x, coefficients, &finish, y, Int64(all), Int64(channels))
  }

  /// y = factor · x, finished.
  func scale(
    _ x: UnsafePointer<Float>, by factors: UnsafePointer<Float>, _ finish: UnsafePointer<kernels_finish>, to y: UnsafeMutablePointer<Float>
  ) { kernels_scale(x, factors, finish, y, Int64(all), Int64(channels)) }

  /// The mean of each channel over the rows of each example.
  func means(of x: UnsafePointer<Float>, to means: UnsafeMutablePointer<Float>) {
    let share = 1 / Float(count)
    for example in 0..<shardSize {
      let (x, mean) = (x + example * count * channels, means + example * channels)
      mean.update(repeating: 0, count: channels)
      for row in 0..<count {
        for c in 0..<channels { mean[c] += x[row * channels + c] }
      }
      for c in 0..<channels { mean[c] *= share }
    }
  }

  /// Gives each row of an example an equal share.
  func spread(_ values: UnsafePointer<Float>, to x: UnsafeMutablePointer<Float>) {
    let share = 1 / Float(count)
    for example in 0..<shardSize {
      let (x, value) = (x + example * count * channels, values + example * channels)
      for row in 0..<count {
        for c in 0..<channels { x[row * channels + c] = share * value[c] }
      }
    }
  }

  /// The mean of each channel over the first `examples`, and the sum of the squares about it.
  func moments(of x: UnsafePointer<Float>, examples: Int, to moments: Moments) {
    let rows = examples * count
    sum(rows, to: moments.first) { row, sums in
      let x = x + row * channels
      for c in 0..<channels { sums[c] += x[c] }
    }
    for c in 0..<channels { moments.first[c] /= Double(max(rows, 1)) }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: channels) { means in
      guard let means = means.baseAddress else { return }
      for c in 0..<channels { means[c] = Float(moments.first[c]) }
      sum(rows, to: moments.second) { row, sums in
        let x = x + row * channels
        for c in 0..<channels { sums[c] += (x[c] - means[c]) * (x[c] - means[c]) }
      }
      // About the mean as a float: what it was rounded by is taken off again.
      for c in 0..<channels {
        let error = moments.first[c] - Double(means[c])
        moments.second[c] -= Double(rows) * error * error
      }
    }
  }

  /// Σ dy and Σ dy · x̂ of each channel over the first `examples`; `statistics` holds the means and then the inverse deviations.
  func sums(
    of dy: UnsafePointer<Float>, with x: UnsafePointer<Float>, _ statistics: UnsafePointer<Float>, examples: Int, to moments: Moments
  ) {
    let rows = examples * count
    let inverse = statistics + channels
    sum(rows, to: moments.first) { row, sums in
      let dy = dy + row * channels
      for c in 0..<channels { sums[c] += dy[c] }
    }
    sum(rows, to: moments.second) { row, sums in
      let (dy, x) = (dy + row * channels, x + row * channels)
      for c in 0..<channels { sums[c] += dy[c] * (x[c] - statistics[c]) }
    }
    for c in 0..<channels { moments.second[c] *= Double(inverse[c]) }
  }

  /// dx = factor · (dy − mean(dy) − x̂ · mean(dy · x̂)) for the first `examples`, 0 for the rest.
  ///
  /// - Parameters:
  ///   - coefficients: `[4, channels]`: factors, shifts, means, inverse deviations.
  ///   - gradientMeans: `[2, channels]`: the means of dy and of dy · x̂.
  func centre(
    _ dy: UnsafePointer<Float>, with x: UnsafePointer<Float>, _ coefficients: UnsafePointer<Float>,
    _ gradientMeans: UnsafePointer<Float>, examples: Int, to dx: UnsafeMutablePointer<Float>
  ) {
    let (means, inverse, products) = (coefficients + 2 * channels, coefficients + 3 * channels, gradientMeans + channels)
    for row in 0..<examples * count {
      let (dy, x, dx) = (dy + row * channels, x + row * channels, dx + row * channels)
      for c in 0..<channels {
        dx[c] = coefficients[c] * (dy[c] - gradientMeans[c] - (x[c] - means[c]) * inverse[c] * products[c])
      }
    }
    (dx + examples * count * channels).update(repeating: 0, count: (shardSize - examples) * count * channels)
  }

  /// Sums over rows: in float over a few, which the processor does in vectors, and those sums in double.
  private func sum(
    _ rows: Int, to totals: UnsafeMutablePointer<Double>, _ add: (_ row: Int, _ sums: UnsafeMutablePointer<Float>) -> Void
  ) {
    totals.update(repeating: 0, count: channels)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: channels) { sums in
      guard let sums = sums.baseAddress else { return }
      for first in stride(from: 0, to: rows, by: 32) {
        sums.update(repeating: 0, count: channels)
        for row in first..<min(first + 32, rows) { add(row, sums) }
        for c in 0..<channels { totals[c] += Double(sums[c]) }
      }
    }
  }
}
