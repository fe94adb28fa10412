import Foundation

/// The difference of two accuracies that were measured on the same examples: what the final model gains over the baseline.
package struct PairedDifference: Hashable, Sendable, Codable {
  /// Examples that both get right.
  package let both: Int
  /// Those that the final model alone gets right.
  package let gained: Int
  /// Those that the baseline alone gets right.
  package let lost: Int
  package let neither: Int

  package init(both: Int, gained: Int, lost: Int, neither: Int) {
    self.both = both
    self.gained = gained
    self.lost = lost
    self.neither = neither
  }

  /// Of outcomes in the same order.
  package init(_ final: [Bool], baseline: [Bool]) {
    let pairs = zip(final, baseline)
    self.init(
      both: pairs.count { $0 && $1 }, gained: pairs.count { $0 && !$1 }, lost: pairs.count { !$0 && $1 },
      neither: pairs.count { !$0 && !$1 })
  }

  package var total: Int { both + gained + lost + neither }

  /// From −1 to 1; NaN without examples.
  package var value: Double { Double(gained - lost) / Double(total) }

  /// McNemar's exact test: how probable a difference of at least this size is if each example that only one of both gets right is either's
  /// by even chance.
  package var p: Double {
    let (rarer, discordant) = (min(gained, lost), gained + lost)
    // The two tails overlap where both are equal.
    if gained == lost { return 1 }
    let tail = (0...rarer).reduce(0.0) { $0 + exp(Self.logarithmOfBinomial(discordant, $1) - Double(discordant) * log(2)) }
    return min(1, 2 * tail)
  }

  private static func logarithmOfBinomial(_ n: Int, _ k: Int) -> Double {
    lgamma(Double(n) + 1) - lgamma(Double(k) + 1) - lgamma(Double(n - k) + 1)
  }

  /// Newcombe's interval (1998, Statistics in Medicine 17:2635, method 10): the Wilson intervals of both accuracies, put together by the
  /// correlation of the two, with its correction for continuity. Without any examples it is [−1, 1].
  package var interval: ConfidenceInterval {
    guard total > 0 else { return ConfidenceInterval(low: -1, high: 1) }
    let n = Double(total)
    let (final, baseline) = (Proportion(correct: both + gained, total: total), Proportion(correct: both + lost, total: total))
    let (below, above) = (final.value - final.interval.low, final.interval.high - final.value)
    let (baseBelow, baseAbove) = (baseline.value - baseline.interval.low, baseline.interval.high - baseline.value)
    let phi = correlation(n)
    func length(_ one: Double, _ other: Double) -> Double { max(0, one * one - 2 * phi * one * other + other * other).squareRoot() }
    return ConfidenceInterval(low: value - length(below, baseAbove), high: value + length(above, baseBelow))
  }

  private func correlation(_ n: Double) -> Double {
    let (e, f, g, h) = (Double(both), Double(gained), Double(lost), Double(neither))
    let margins = (e + f) * (g + h) * (e + g) * (f + h)
    guard margins > 0 else { return 0 }
    let determinant = e * h - f * g
    return (determinant > 0 ? max(determinant - n / 2, 0) : determinant) / margins.squareRoot()
  }

  private enum CodingKeys: String, CodingKey { case value, interval, p, both, gained, lost, neither }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func count(_ key: CodingKeys) throws -> Int {
      let count = try values.decode(Int.self, forKey: key)
      guard count >= 0 else { throw DecodingError.dataCorruptedError(forKey: key, in: values, debugDescription: "\(count) is no count") }
      return count
    }
    self.init(both: try count(.both), gained: try count(.gained), lost: try count(.lost), neither: try count(.neither))
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(value, forKey: .value)
    try values.encode(interval, forKey: .interval)
    try values.encode(p, forKey: .p)
    for (key, count) in [(CodingKeys.both, both), (.gained, gained), (.lost, lost), (.neither, neither)] {
      try values.encode(count, forKey: key)
    }
  }
}
