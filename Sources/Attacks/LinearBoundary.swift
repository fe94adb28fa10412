import TensorEngine

/// A hyperplane, and the shortest way to it within the box (Croce and Hein 2020, arXiv:1907.02044, section 3.1).
struct LinearBoundary {
  /// In fours, filled up with zeros, for the sums over them.
  private var weights: [SIMD4<Double>]
  /// The plane is where weights · x is this.
  private let level: Double
  private let count: Int
  private let norm: Norm
  /// In L1: the pixels by the size of their weights, the largest first.
  private let order: [Int]

  /// The points where `value + normal · (x − origin)` is 0. A value of the normal that is not finite counts as 0.
  init(normal: ArraySlice<Float>, value: Float, at origin: ArraySlice<Float>, norm: Norm) {
    count = normal.count
    self.norm = norm
    weights = Self.fours(normal)
    for index in weights.indices {
      // 0 · w is 0 but for what is not finite.
      weights[index].replace(with: 0, where: 0 * weights[index] .!= 0)
    }
    level = Self.product(weights, Self.fours(origin)) - Double(value)
    let weights = weights
    order = norm == .l1 ? (0..<count).sorted { abs(weights[$0 / 4][$0 % 4]) > abs(weights[$1 / 4][$1 % 4]) } : []
  }

  /// The shortest steps from `point` onto the plane, each pixel staying in the box, and their length. Where no point of the box lies on
  /// the plane they lead to the box's corner that is closest to it; from a value that is no number they lead nowhere.
  func way(from point: ArraySlice<Float>) -> (steps: [Double], length: Double) {
    let point = Self.fours(point)
    let excess = Self.product(weights, point) - level
    guard excess.isFinite else { return ([Double](repeating: 0, count: count), 0) }
    // Which way lowers the distance: along the weights below the plane, against them above.
    let sign: Double = excess < 0 ? 1 : -1
    let (low, high) = (Double(Threat.box.lowerBound), Double(Threat.box.upperBound))
    let rooms = zip(weights, point).map { weight, pixel in
      Self.larger((pixel - low).replacing(with: high - pixel, where: sign * weight .> 0), .zero)
    }
    if norm == .l1 { return sparseSteps(rooms, change: abs(excess), sign) }
    let speeds = weights.map(speed)
    return steps(rooms, speeds, pace(rooms, speeds, change: abs(excess)), sign)
  }

  /// In L1 a pixel of the largest weight goes first, as far as the box lets it, then the next.
  private func sparseSteps(_ rooms: [SIMD4<Double>], change: Double, _ sign: Double) -> (steps: [Double], length: Double) {
    var steps = [Double](repeating: 0, count: count)
    var (left, length) = (change, 0.0)
    for pixel in order {
      let weight = weights[pixel / 4][pixel % 4]
      guard left > 0, weight != 0 else { break }
      let size = min(left / abs(weight), rooms[pixel / 4][pixel % 4])
      steps[pixel] = sign * weight < 0 ? -size : size
      left -= size * abs(weight)
      length += size
    }
    return (steps, length)
  }

  /// How far pixels move at pace 1, before they meet the box: in L∞ all alike, in L2 by their weights.
  private func speed(_ weights: SIMD4<Double>) -> SIMD4<Double> {
    switch norm {
    case .linf: SIMD4(repeating: 1).replacing(with: 0, where: weights .== 0)
    case .l2, .l1: Self.magnitude(weights)
    }
  }

  /// The pace at which the steps change the value by `change`.
  ///
  /// The change is concave in the pace, in straight pieces that end where a pixel meets the box; Newton's method climbs it from 0 without
  /// passing the solution, and is exact once no piece ends between.
  private func pace(_ rooms: [SIMD4<Double>], _ speeds: [SIMD4<Double>], change: Double) -> Double {
    var pace = 0.0
    for _ in 0..<100 {
      var (done, slope) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
      for index in weights.indices {
        let weight = Self.magnitude(weights[index])
        let ahead = pace * speeds[index]
        done += weight * Self.smaller(ahead, rooms[index])
        slope += (weight * speeds[index]).replacing(with: 0, where: ahead .>= rooms[index])
      }
      guard slope.sum() > 0, done.sum() < change * (1 - 1e-12) else { break }
      pace += (change - done.sum()) / slope.sum()
    }
    return pace
  }

  private func steps(
    _ rooms: [SIMD4<Double>], _ speeds: [SIMD4<Double>], _ pace: Double, _ sign: Double
  ) -> (steps: [Double], length: Double) {
    var (largest, squares) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
    let steps = weights.indices.map { index in
      let sizes = Self.smaller(pace * speeds[index], rooms[index])
      largest = Self.larger(largest, sizes)
      squares += sizes * sizes
      return sizes.replacing(with: -sizes, where: sign * weights[index] .< 0)
    }
    return (Self.flat(steps, count), norm == .linf ? largest.max() : squares.sum().squareRoot())
  }

  // MARK: Fours

  private static func fours(_ values: ArraySlice<Float>) -> [SIMD4<Double>] {
    values.withUnsafeBufferPointer { values in
      (0..<(values.count + 3) / 4).map { index in
        let first = 4 * index
        guard first + 4 <= values.count else {
          var last = SIMD4<Double>.zero
          for lane in 0..<values.count - first { last[lane] = Double(values[first + lane]) }
          return last
        }
        return SIMD4(SIMD4(values[first], values[first + 1], values[first + 2], values[first + 3]))
      }
    }
  }

  /// The first `count` numbers.
  private static func flat(_ fours: [SIMD4<Double>], _ count: Int) -> [Double] {
    fours.withUnsafeBytes { Array($0.bindMemory(to: Double.self).prefix(count)) }
  }

  private static func product(_ one: [SIMD4<Double>], _ other: [SIMD4<Double>]) -> Double {
    var sum = SIMD4<Double>.zero
    for index in one.indices { sum += one[index] * other[index] }
    return sum.sum()
  }

  private static func magnitude(_ values: SIMD4<Double>) -> SIMD4<Double> { larger(values, -values) }

  private static func larger(_ one: SIMD4<Double>, _ other: SIMD4<Double>) -> SIMD4<Double> {
    one.replacing(with: other, where: other .> one)
  }

  private static func smaller(_ one: SIMD4<Double>, _ other: SIMD4<Double>) -> SIMD4<Double> {
    one.replacing(with: other, where: other .< one)
  }
}
