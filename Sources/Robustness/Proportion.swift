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
  package var interval: ConfidenceInterval { .wilson(correct: correct, total: total) }

  /// The interval of one of several proportions that together hold at 95 %: each at 1 − 0.05/count (Bonferroni).
  package func interval(amongst count: Int) -> ConfidenceInterval {
    .wilson(correct: correct, total: total, z: NormalDistribution.quantile(tail: 0.025 / Double(max(count, 1))))
  }

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
