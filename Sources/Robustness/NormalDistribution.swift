import Foundation

/// The standard normal distribution.
package enum NormalDistribution {
  /// Its 97.5 % point.
  package static let z95 = 1.959963984540054

  /// The point beyond which `tail` of the distribution lies, for a tail below a half: by bisection of the complementary error function.
  package static func quantile(tail: Double) -> Double {
    if tail == 0.025 { return z95 }
    var range = (low: 0.0, high: 40.0)
    for _ in 0..<80 {
      let middle = (range.low + range.high) / 2
      if erfc(middle / 2.0.squareRoot()) / 2 > tail { range.low = middle } else { range.high = middle }
    }
    return range.low
  }
}
