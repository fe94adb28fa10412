import Foundation

/// How far the nearest misclassified images lie that a minimal-distance attack found, over all examples of an evaluation.
package struct DistanceSummary: Hashable, Sendable {
  /// Of the images that the attack found; `nil` without any.
  package let mean: Double?
  /// Of all examples: 0 for one that is misclassified as it is, infinite for one for which the attack found nothing.
  package let median: Double
  /// Two of the distances themselves, so placed that the median of all images lies between them in 95 of 100 samples.
  package let interval: ConfidenceInterval

  /// - Parameters:
  ///   - found: in any order.
  ///   - misclassified: the number of examples that are misclassified as they are.
  ///   - total: the number of all examples, at least 1.
  package init(found: [Double], misclassified: Int, total: Int) {
    precondition(total >= max(1, found.count + misclassified), "\(found.count) and \(misclassified) of \(total) examples")
    mean = found.isEmpty ? nil : found.reduce(0, +) / Double(found.count)
    let missing = total - misclassified - found.count
    let sorted =
      [Double](repeating: 0, count: misclassified) + found.sorted() + [Double](repeating: .infinity, count: missing)
    let (lower, upper) = (sorted[(total - 1) / 2], sorted[total / 2])
    median = lower == upper ? lower : (lower + upper) / 2
    let rank = Self.rank(total)
    interval = ConfidenceInterval(low: rank > 0 ? sorted[rank - 1] : 0, high: rank > 0 ? sorted[total - rank] : .infinity)
  }

  /// The rank, from 1, of the lower end among `count` sorted values: the largest r for which fewer than r of them lie below the median with
  /// a probability of at most 2.5 %, each lying there by even chance. 0 when there are too few.
  private static func rank(_ count: Int) -> Int {
    var below = 0.0
    for rank in 0..<count {
      let logarithm = lgamma(Double(count) + 1) - lgamma(Double(rank) + 1) - lgamma(Double(count - rank) + 1)
      below += exp(logarithm - Double(count) * log(2))
      if below > 0.025 { return rank }
    }
    return count / 2
  }
}
