import JSON
import Foundation
import Robustness
import Testing

@Suite("Proportions and their intervals") struct ProportionTests {
  // SciPy 1.17.1: binomtest(correct, total).proportion_ci(method="wilson").
  @Test(
    "Wilson intervals agree with stored values",
    arguments: [
      (81, 263, 0.255289, 0.366210), (15, 148, 0.062386, 0.160487), (0, 20, 0, 0.161125), (1, 29, 0.006113, 0.171755),
      (29, 29, 0.883030, 1),
    ])
  func stored(correct: Int, total: Int, low: Double, high: Double) {
    let interval = ConfidenceInterval.wilson(correct: correct, total: total)
    #expect(abs(interval.low - low) < 1e-6 && abs(interval.high - high) < 1e-6, "\(interval)")
  }

  @Test("both ends solve (p − q)² = z² q (1 − q) / n, Wilson's equation") func equation() {
    for (correct, total) in [(1, 10), (360, 500), (9_990, 10_000)] {
      let p = Double(correct) / Double(total)
      let interval = ConfidenceInterval.wilson(correct: correct, total: total)
      for q in [interval.low, interval.high] {
        #expect(abs((p - q) * (p - q) - 3.841458820694124 * q * (1 - q) / Double(total)) < 1e-12)
      }
    }
  }

  @Test("the number of samples that tells a value from a bound does") func enough() throws {
    for (value, bound) in [(0.72, 0.7), (0.6, 0.65), (0.99, 0.98)] {
      let count = try #require(ConfidenceInterval.samples(toTell: value, from: bound))
      let roomy = ConfidenceInterval.wilson(correct: Int((value * Double(count) * 1.1).rounded()), total: Int(Double(count) * 1.1))
      #expect(value > bound ? roomy.low > bound : roomy.high < bound)
      let scant = ConfidenceInterval.wilson(correct: Int((value * Double(count) * 0.5).rounded()), total: Int(Double(count) * 0.5))
      #expect(value > bound ? scant.low < bound : scant.high > bound)
    }
    #expect(ConfidenceInterval.samples(toTell: 0.5, from: 0.5) == nil)
  }

  @Test("a proportion reads back from its JSON, and one above 1 is refused") func json() throws {
    let value = try JSONValue(encoding: Proportion(correct: 3, total: 4))
    #expect(value["value"] == .number(0.75) && value["correct"] == 3 && value["total"] == 4)
    #expect(value["interval"]?["low"] != nil && value["interval"]?["high"] != nil)
    #expect(try value.decoded(as: Proportion.self) == Proportion(correct: 3, total: 4))
    #expect(try JSONValue(encoding: Proportion(correct: 0, total: 0))["value"] == "NaN")
    #expect(throws: DecodingError.self) { _ = try (["correct": 5, "total": 4] as JSONValue).decoded(as: Proportion.self) }
  }

  // SciPy 1.17.1: norm.isf(tail), and binomtest(correct, total).proportion_ci(1 - 0.05 / count, "wilson").
  @Test("of several classes each has its interval at 1 − 0.05/classes, as SciPy computes it")
  func amongst() {
    for (tail, point) in [(0.025, 1.959963984540054), (0.0125, 2.241402727604945), (0.0025, 2.8070337683438042), (2.5e-5, 4.0556269811224)]
    {
      #expect(abs(NormalDistribution.quantile(tail: tail) - point) < 1e-9)
    }
    for (correct, total, count, low, high) in [(3, 3, 10, 0.2757495, 1.0), (40, 50, 10, 0.6060267, 0.9122921), (0, 20, 2, 0.0, 0.2007636)] {
      let interval = Proportion(correct: correct, total: total).interval(amongst: count)
      #expect(abs(interval.low - low) < 1e-6 && abs(interval.high - high) < 1e-6, "\(interval)")
    }
    #expect(Proportion(correct: 3, total: 9).interval(amongst: 1) == Proportion(correct: 3, total: 9).interval)
  }
}
