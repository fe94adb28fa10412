import CKernels

/// Images as a matrix with a row for each pixel and a column for each channel.
struct Rows: Sendable {
  /// The rows of one example.
  let count: Int
  let channels: Int
  private let batch: Int
  private var all: Int { batch * count }

  /// - Parameter batch: how many examples there are.
  init(_ shape: Shape, _ batch: Int) {
    self.batch = batch
    channels = shape.dimensions.last ?? 1
    count = shape.count / max(channels, 1)
  }

  /// y = factor · x, then `epilogue`.
  func scale(
    _ x: UnsafePointer<Float>, by factors: UnsafePointer<Float>, _ epilogue: UnsafePointer<kernels_epilogue>,
    to y: UnsafeMutablePointer<Float>
  ) { kernels.scale(x, factors, epilogue, y, Int64(all), Int64(channels)) }

  /// The mean of each channel over the rows of each example.
  func means(of x: UnsafePointer<Float>, to means: UnsafeMutablePointer<Float>) {
    let weight = 1 / Float(count)
    for example in 0..<batch {
      let (x, mean) = (x + example * count * channels, means + example * channels)
      mean.update(repeating: 0, count: channels)
      for row in 0..<count {
        for c in 0..<channels { mean[c] += x[row * channels + c] }
      }
      for c in 0..<channels { mean[c] *= weight }
    }
  }

  /// The gradient of `means`: every row of an example gets the same part.
  func spread(_ values: UnsafePointer<Float>, to x: UnsafeMutablePointer<Float>) {
    let weight = 1 / Float(count)
    for example in 0..<batch {
      let (x, value) = (x + example * count * channels, values + example * channels)
      for row in 0..<count {
        for c in 0..<channels { x[row * channels + c] = weight * value[c] }
      }
    }
  }

  /// The mean of each channel over the first `examples`, and the sum of the squares about it.
  func moments(of x: UnsafePointer<Float>, examples: Int, to moments: Moments) {
    kernels.moments(x, Int64(examples * count), Int64(channels), moments.first, moments.second)
  }

  /// Σ dy and Σ dy · x̂ of each channel over the first `examples`; `statistics` holds the means and then the inverse deviations.
  func sums(
    of dy: UnsafePointer<Float>, with x: UnsafePointer<Float>, _ statistics: UnsafePointer<Float>, examples: Int, to moments: Moments
  ) { kernels.gradient_moments(dy, x, statistics, Int64(examples * count), Int64(channels), moments.first, moments.second) }

  /// dx = factor · (dy − mean(dy) − x̂ · mean(dy · x̂)) for the first `examples`, 0 for the rest.
  ///
  /// - Parameters:
  ///   - coefficients: `[4, channels]`: factors, shifts, means, inverse deviations.
  ///   - gradientMeans: `[2, channels]`: the means of dy and of dy · x̂.
  func centre(
    _ dy: UnsafePointer<Float>, with x: UnsafePointer<Float>, _ coefficients: UnsafePointer<Float>,
    _ gradientMeans: UnsafePointer<Float>, examples: Int, to dx: UnsafeMutablePointer<Float>
  ) {
    kernels.batch_norm_gradient(dy, x, coefficients, gradientMeans, dx, Int64(examples * count), Int64(channels))
    (dx + examples * count * channels).update(repeating: 0, count: (batch - examples) * count * channels)
  }
}
