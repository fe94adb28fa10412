import TensorEngine

/// A hyperplane, and the shortest way to it within the box (Croce and Hein 2020, arXiv:1907.02044, section 3.1).
struct LinearBoundary {
  private let normal: ArraySlice<Float>
  private let value: Double
  private let origin: ArraySlice<Float>
  private let norm: Norm

  /// The points where `value + normal · (x − origin)` is 0. A value of the normal that is not finite counts as 0.
  init(normal: ArraySlice<Float>, value: Float, at origin: ArraySlice<Float>, norm: Norm) {
    self.normal = normal
    self.value = Double(value)
    self.origin = origin
    self.norm = norm
  }

  /// The shortest steps from `point` onto the plane, each pixel staying in the box, and their length. Where no point of the box lies on
  /// the plane they lead to the box's corner that is closest to it; from a value that is no number they lead nowhere.
  func way(from point: ArraySlice<Float>) -> (steps: [Double], length: Double) {
    let count = normal.count
    var weights = [Double](repeating: 0, count: count)
    var rooms = weights
    var excess = value
    normal.withUnsafeBufferPointer { w in
      point.withUnsafeBufferPointer { x in
        origin.withUnsafeBufferPointer { x0 in
          for index in 0..<count where w[index].isFinite {
            weights[index] = Double(w[index])
            excess += weights[index] * (Double(x[index]) - Double(x0[index]))
          }
          for index in 0..<count {
            let rises = (weights[index] > 0) == (excess < 0)
            rooms[index] = max(Double(rises ? Threat.box.upperBound - x[index] : x[index] - Threat.box.lowerBound), 0)
          }
        }
      }
    }
    guard excess.isFinite else { return ([Double](repeating: 0, count: count), 0) }
    let pace = pace(weights, rooms, change: abs(excess))
    return steps(weights, rooms, pace, falls: excess >= 0)
  }

  /// How far a pixel moves at pace 1, before it meets the box: in L∞ all alike, in L2 by their weight.
  private func speed(_ weight: Double) -> Double { norm == .linf ? 1 : abs(weight) }

  /// The pace at which the steps change the value by `change`.
  ///
  /// The change is concave in the pace, in straight pieces that end where a pixel meets the box; Newton's method climbs it from 0 without
  /// passing the solution, and is exact once no piece ends between.
  private func pace(_ weights: [Double], _ rooms: [Double], change: Double) -> Double {
    var pace = 0.0
    for _ in 0..<100 {
      var (done, slope) = (0.0, 0.0)
      for index in 0..<weights.count {
        let (weight, speed) = (abs(weights[index]), speed(weights[index]))
        let isFree = pace * speed < rooms[index]
        done += weight * (isFree ? pace * speed : rooms[index])
        slope += isFree ? weight * speed : 0
      }
      guard slope > 0, done < change * (1 - 1e-12) else { break }
      pace += (change - done) / slope
    }
    return pace
  }

  private func steps(_ weights: [Double], _ rooms: [Double], _ pace: Double, falls: Bool) -> (steps: [Double], length: Double) {
    var steps = weights
    var (largest, squares) = (0.0, 0.0)
    for index in 0..<weights.count {
      let weight = weights[index]
      let size = weight == 0 ? 0 : min(pace * speed(weight), rooms[index])
      steps[index] = (weight > 0) == falls ? -size : size
      largest = max(largest, size)
      squares += size * size
    }
    return (steps, norm == .linf ? largest : squares.squareRoot())
  }
}
