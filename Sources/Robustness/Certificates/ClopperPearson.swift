import Foundation

/// The lower end of the exact interval of a proportion (Clopper and Pearson 1934, Biometrika 26:404).
package enum ClopperPearson {
  /// The p at which so many successes or more have the probability `alpha`: with confidence 1 − alpha the true one is not below it.
  ///
  /// It is the `alpha` quantile of Beta(successes, trials − successes + 1), scipy's `beta.ppf`.
  package static func lowerBound(successes: Int, trials: Int, alpha: Double) -> Double {
    precondition(0 <= successes && successes <= trials, "\(successes) of \(trials) is no proportion")
    guard successes > 0 else { return 0 }
    let (a, b) = (Double(successes), Double(trials - successes + 1))
    // In halves until there is no number between: the lower one is on the safe side.
    var (low, high) = (0.0, 1.0)
    while true {
      let middle = (low + high) / 2
      guard middle > low, middle < high else { return low }
      if incompleteBeta(middle, a, b) <= alpha { low = middle } else { high = middle }
    }
  }

  /// The regularised incomplete beta function Iₓ(a, b), by its continued fraction where that converges (Abramowitz and Stegun 26.5.8).
  private static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    return x < (a + 1) / (a + b + 2) ? front * fraction(x, a, b) / a : 1 - front * fraction(1 - x, b, a) / b
  }

  /// Evaluated from the front (Lentz 1976, Applied Optics 15:668).
  private static func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let tiny = 1e-300
    func apart(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / apart(1 - (a + b) * x / (a + 1))
    var result = d
    for m in 1...100_000 {
      let m = Double(m)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      var change = 1.0
      for term in [even, odd] {
        d = 1 / apart(1 + term * d)
        c = apart(1 + term / c)
        change = c * d
        result *= change
      }
      if abs(change - 1) < 1e-16 { break }
    }
    return result
  }
}
