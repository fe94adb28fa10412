import TensorEngine

/// A hyperplane, and the shortest way to it in L1 within the box (Croce and Hein 2020, arXiv:1907.02044, section 3.1).
struct SparseBoundary {
  private let weights: [Double]
  /// The plane is where weights · x is this.
  private let level: Double
  /// The pixels by the size of their weights, the largest first.
  private let order: [Int]

  /// The points where `value + normal · (x − origin)` is 0. A value of the normal that is not finite counts as 0.
  init(normal: ArraySlice<Float>, value: Float, at origin: ArraySlice<Float>) {
    let weights = normal.map { $0.isFinite ? Double($0) : 0 }
    self.weights = weights
    level = Self.product(weights, origin) - Double(value)
    let sizes = weights.map { abs($0) }
    order = sizes.indices.sorted { sizes[$0] > sizes[$1] }
  }

  /// The shortest steps from `point` onto the plane, each pixel staying in the box, and their length: a pixel of the largest weight goes first,
  /// as far as the box lets it, then the next. Where no point of the box lies on the plane they lead to the box's corner that is closest to
  /// it; from a value that is no number they lead nowhere.
  func way(from point: ArraySlice<Float>) -> (steps: [Double], length: Double) {
    var steps = [Double](repeating: 0, count: weights.count)
    let excess = Self.product(weights, point) - level
    guard excess.isFinite else { return (steps, 0) }
    var (left, length) = (abs(excess), 0.0)
    for pixel in order {
      // Along the weights below the plane, against them above.
      let weight = excess < 0 ? weights[pixel] : -weights[pixel]
      guard left > 0, weight != 0 else { break }
      let value = Double(point[point.startIndex + pixel])
      let room = max(weight > 0 ? Double(Threat.box.upperBound) - value : value - Double(Threat.box.lowerBound), 0)
      let size = min(left / abs(weight), room)
      steps[pixel] = weight < 0 ? -size : size
      left -= size * abs(weight)
      length += size
    }
    return (steps, length)
  }

  private static func product(_ weights: [Double], _ point: ArraySlice<Float>) -> Double {
    zip(weights, point).reduce(0) { $0 + $1.0 * Double($1.1) }
  }
}
