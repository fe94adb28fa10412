import Robustness
import Testing

@Suite("Distances to the nearest misclassified image") struct DistanceSummaryTests {
  @Test("what is wrong as it is counts as 0, and what no image was found for as infinite") func median() {
    let summary = DistanceSummary(found: [0.3, 0.1, 0.2], misclassified: 1, total: 5)
    #expect(summary.median == 0.2)
    #expect(abs((summary.mean ?? 0) - 0.2) < 1e-12)
    #expect(DistanceSummary(found: [0.3], misclassified: 3, total: 5).median == 0)
    #expect(DistanceSummary(found: [0.3], misclassified: 0, total: 4).median == .infinity)
    #expect(DistanceSummary(found: [], misclassified: 0, total: 4).mean == nil)
    #expect(DistanceSummary(found: [1, 2, 3, 4], misclassified: 0, total: 4).median == 2.5)
  }

  // The ranks of the usual tables (Conover, Practical Nonparametric Statistics): SciPy's binom.cdf gives the same.
  @Test(
    "the interval lies between the ranks that the binomial distribution gives",
    arguments: [(6, 1.0, 6.0), (10, 2, 9), (40, 14, 27), (100, 40, 61), (1000, 469, 532)])
  func interval(count: Int, low: Double, high: Double) {
    let summary = DistanceSummary(found: (1...count).map(Double.init), misclassified: 0, total: count)
    #expect(summary.interval == ConfidenceInterval(low: low, high: high))
  }

  @Test("five examples bound no median") func few() {
    #expect(
      DistanceSummary(found: [1, 2, 3, 4, 5], misclassified: 0, total: 5).interval == ConfidenceInterval(low: 0, high: .infinity))
  }
}
