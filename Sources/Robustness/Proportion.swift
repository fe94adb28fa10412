/// The 95 % confidence interval of a proportion by Wilson's score (Wilson 1927, JASA 22:209). Unlike the normal approximation it stays
/// within [0, 1] and is accurate near both ends.
package struct WilsonInterval: Hashable, Sendable, Codable {
  package let low: Double
  package let high: Double

  /// The 97.5 % point of the standard normal distribution.
  private static let z = 1.959963984540054

  /// Without any examples the interval is [0, 1].
  package init(correct: Int, total: Int) {
    precondition(0 <= correct && correct <= total, "\(correct) of \(total) is no proportion")
    guard total > 0 else {
      low = 0
      high = 1
      return
    }
    let n = Double(total)
    let p = Double(correct) / n
    let z2 = Self.z * Self.z
    let centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    let half = Self.z / (1 + z2 / n) * (p * (1 - p) / n + z2 / (4 * n * n)).squareRoot()
    // At 0 and 1 the ends are set exactly, without rounding errors.
    low = correct == 0 ? 0 : max(0, centre - half)
    high = correct == total ? 1 : min(1, centre + half)
  }

  /// The approximate number of examples for which an interval around `value` excludes `bound`; `nil` when the two are equal.
  package static func samples(toTell value: Double, from bound: Double) -> Int? {
    let gap = value - bound
    guard gap != 0, value.isFinite else { return nil }
    // Takes the larger variance of the two, because a value of 0 or 1 alone would give a variance of 0.
    let variance = max(value * (1 - value), bound * (1 - bound))
    let count = z * z * variance / (gap * gap)
    return count < 1e9 ? max(1, Int(count.rounded(.up))) : nil
  }
}

/// An accuracy with its counts, in a report as `{"value", "correct", "total", "interval": {"low", "high"}}`.
package struct Proportion: Hashable, Sendable, Codable {
  package let correct: Int
  package let total: Int

  package init(correct: Int, total: Int) {
    self.correct = correct
    self.total = total
  }

  package init(_ outcomes: [Bool]) { self.init(correct: outcomes.count { $0 }, total: outcomes.count) }

  /// Between 0 and 1; NaN when `total` is 0.
  package var value: Double { Double(correct) / Double(total) }
  package var interval: WilsonInterval { WilsonInterval(correct: correct, total: total) }

  private enum CodingKeys: String, CodingKey { case value, correct, total, interval }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let correct = try container.decode(Int.self, forKey: .correct)
    let total = try container.decode(Int.self, forKey: .total)
    guard 0 <= correct && correct <= total else {
      throw DecodingError.dataCorruptedError(forKey: .correct, in: container, debugDescription: "\(correct) of \(total) is no proportion")
    }
    self.init(correct: correct, total: total)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(value, forKey: .value)
    try container.encode(correct, forKey: .correct)
    try container.encode(total, forKey: .total)
    try container.encode(interval, forKey: .interval)
  }
}
