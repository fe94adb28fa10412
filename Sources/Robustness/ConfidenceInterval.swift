/// The range that holds the true value of something measured on a sample, in 95 of 100 cases.
package struct ConfidenceInterval: Hashable, Sendable, Codable {
  package let low: Double
  package let high: Double

  package init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }
}

extension ConfidenceInterval {
  /// Of a proportion, by Wilson's score (Wilson 1927, JASA 22:209). Unlike the normal approximation it stays within [0, 1] and is accurate
  /// near both ends. Without any examples it is [0, 1].
  ///
  /// - Parameter z: the point of the standard normal distribution beyond which half of the error lies.
  package static func wilson(correct: Int, total: Int, z: Double = NormalDistribution.z95) -> ConfidenceInterval {
    precondition(0 <= correct && correct <= total, "\(correct) of \(total) is no proportion")
    guard total > 0 else { return ConfidenceInterval(low: 0, high: 1) }
    let n = Double(total)
    let p = Double(correct) / n
    let z2 = z * z
    let centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    let half = z / (1 + z2 / n) * (p * (1 - p) / n + z2 / (4 * n * n)).squareRoot()
    // At 0 and 1 the ends are set exactly, without rounding errors.
    return ConfidenceInterval(
      low: correct == 0 ? 0 : max(0, centre - half), high: correct == total ? 1 : min(1, centre + half))
  }

  /// The approximate number of examples for which an interval around the proportion `value` excludes `bound`; `nil` when the two are equal.
  package static func samples(toTell value: Double, from bound: Double) -> Int? {
    let gap = value - bound
    guard gap != 0, value.isFinite else { return nil }
    // Takes the larger variance of the two, because a value of 0 or 1 alone would give a variance of 0.
    let variance = max(value * (1 - value), bound * (1 - bound))
    let count = NormalDistribution.z95 * NormalDistribution.z95 * variance / (gap * gap)
    return count < 1e9 ? max(1, Int(count.rounded(.up))) : nil
  }
}
