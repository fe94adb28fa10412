import Attacks
import Foundation
import TensorEngine

/// Which examples no perturbation within ball and box can make a model get wrong: known exactly, without any attack.
protocol RobustTruth: Classifier {
  /// Whether `image`, of class `label`, is right everywhere within ball and box.
  func isRobust(_ image: ArraySlice<Float>, label: Int, _ threat: Threat) -> Bool
}

extension RobustTruth {
  func robust(_ examples: Examples, _ threat: Threat) -> [Bool] {
    (0..<examples.count).map { isRobust(examples.images[example: $0], label: examples.labels[$0], threat) }
  }

  /// An epsilon at which just so many of the examples are robust, by bisection.
  func epsilon(_ norm: Norm, leaving count: Int, of examples: Examples) -> Double {
    var range = (low: 0.0, high: 64.0)
    for _ in 0..<60 {
      let middle = (range.low + range.high) / 2
      let robust = robust(examples, Threat(norm: norm, epsilon: middle)).count { $0 }
      if robust == count { return middle }
      if robust > count { range.low = middle } else { range.high = middle }
    }
    return range.low
  }
}

/// The margin over another class falls by at most the largest d·δ, d the difference of the two classes' weights.
extension LinearClassifier: RobustTruth {
  func isRobust(_ image: ArraySlice<Float>, label: Int, _ threat: Threat) -> Bool {
    let pixels = image.map(Double.init)
    return (0..<classes).allSatisfy { other in
      guard other != label else { return true }
      let slope = zip(weights[other], weights[label]).map { Double($0) - Double($1) }
      let margin = Double(bias[label]) - Double(bias[other]) - zip(slope, pixels).reduce(0) { $0 + $1.0 * $1.1 }
      return margin > Self.largestRise(slope, at: pixels, threat)
    }
  }

  /// The largest d·δ for ‖δ‖ ≤ ε with x + δ in the box.
  private static func largestRise(_ slope: [Double], at pixels: [Double], _ threat: Threat) -> Double {
    /// How far each pixel can go in the direction that raises.
    let room = zip(slope, pixels).map { $0 > 0 ? 1 - $1 : $1 }
    switch threat.norm {
    case .linf: return zip(slope, room).reduce(0) { $0 + abs($1.0) * min(threat.epsilon, $1.1) }
    case .l2: return euclideanRise(slope.map(abs), room, threat.epsilon)
    case .l1: return sparseRise(slope.map(abs), room, threat.epsilon)
    }
  }

  /// The steepest pixel goes as far as it can, then the next.
  private static func sparseRise(_ slope: [Double], _ room: [Double], _ epsilon: Double) -> Double {
    var (rise, left) = (0.0, epsilon)
    for pixel in slope.indices.sorted(by: { slope[$0] > slope[$1] }) {
      let size = min(left, room[pixel])
      rise += slope[pixel] * size
      left -= size
    }
    return rise
  }

  /// The optimum is min(room, λd) with one λ, such that its length is ε: pixels reach the box in the order of room / d.
  private static func euclideanRise(_ slope: [Double], _ room: [Double], _ epsilon: Double) -> Double {
    let order = slope.indices.filter { slope[$0] > 0 }.sorted { room[$0] / slope[$0] < room[$1] / slope[$1] }
    var (rise, left) = (0.0, epsilon * epsilon)
    var free = order.reduce(0) { $0 + slope[$1] * slope[$1] }
    for pixel in order {
      let lambda = (left / free).squareRoot()
      if lambda * slope[pixel] <= room[pixel] { return rise + lambda * free }
      rise += slope[pixel] * room[pixel]
      left -= room[pixel] * room[pixel]
      free -= slope[pixel] * slope[pixel]
    }
    return rise
  }
}

/// For three pixels and L∞: a difference of logits is linear between the planes at which a hidden unit is zero, so that within the cube that
/// ball and box leave its largest value stands where three planes meet, of those and of the cube's sides.
extension ReLUClassifier: RobustTruth {
  private struct Plane {
    var normal: [Double]
    var offset: Double
  }

  func isRobust(_ image: ArraySlice<Float>, label: Int, _ threat: Threat) -> Bool {
    precondition(inputShape.count == 3 && threat.norm == .linf, "exact for three pixels in L∞")
    let sides = image.map { pixel in max(Double(pixel) - threat.epsilon, 0)...min(Double(pixel) + threat.epsilon, 1) }
    return corners(sides).allSatisfy { corner in
      let logits = exactLogits(corner)
      return logits.indices.allSatisfy { $0 == label || logits[$0] < logits[label] }
    }
  }

  private func exactLogits(_ pixels: [Double]) -> [Double] {
    let units = zip(hidden, bias).map { weights, bias in
      max(zip(weights, pixels).reduce(Double(bias)) { $0 + Double($1.0) * $1.1 }, 0)
    }
    return output.map { weights in zip(weights, units).reduce(0) { $0 + Double($1.0) * $1.1 } }
  }

  private func corners(_ sides: [ClosedRange<Double>]) -> [[Double]] {
    var planes = zip(hidden, bias).map { Plane(normal: $0.map(Double.init), offset: -Double($1)) }
    for (pixel, side) in sides.enumerated() {
      let normal = (0..<3).map { $0 == pixel ? 1.0 : 0 }
      planes += [Plane(normal: normal, offset: side.lowerBound), Plane(normal: normal, offset: side.upperBound)]
    }
    var corners: [[Double]] = []
    for first in planes.indices {
      for second in planes.indices where second > first {
        for third in planes.indices where third > second {
          guard let point = Self.meeting(planes[first], planes[second], planes[third]) else { continue }
          if zip(point, sides).allSatisfy({ $0 >= $1.lowerBound - 1e-9 && $0 <= $1.upperBound + 1e-9 }) { corners.append(point) }
        }
      }
    }
    return corners
  }

  /// Cramer's rule; `nil` for planes that do not meet in one point.
  private static func meeting(_ a: Plane, _ b: Plane, _ c: Plane) -> [Double]? {
    func determinant(_ r: [[Double]]) -> Double {
      r[0][0] * (r[1][1] * r[2][2] - r[1][2] * r[2][1]) - r[0][1] * (r[1][0] * r[2][2] - r[1][2] * r[2][0])
        + r[0][2] * (r[1][0] * r[2][1] - r[1][1] * r[2][0])
    }
    let rows = [a.normal, b.normal, c.normal]
    let whole = determinant(rows)
    guard abs(whole) > 1e-12 else { return nil }
    return (0..<3).map { column in
      var replaced = rows
      for (row, plane) in [a, b, c].enumerated() { replaced[row][column] = plane.offset }
      return determinant(replaced) / whole
    }
  }
}
