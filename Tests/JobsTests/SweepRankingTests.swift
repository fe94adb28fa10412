import JSON
import Jobs
import Robustness
import Testing

@Suite("The ranking of a sweep's jobs") struct SweepRankingTests {
  /// A job with its clean, robust and certified accuracy in hundredths; `nil` without a report.
  private func row(_ clean: Int?, _ robust: Int? = nil, certified: Int? = nil, discredited: [String] = []) -> Sweep.Row {
    guard let clean else { return Sweep.Row(job: "job", values: [:], state: .running) }
    let named = [("clean_accuracy", clean as Int?), ("robust_accuracy", robust), ("certified_accuracy", certified)]
    let figures = named.reduce(into: [String: ReportFigures.Figure]()) { figures, entry in
      guard let value = entry.1 else { return }
      figures[entry.0] = .init(value: Double(value) / 100, low: 0, high: 1)
    }
    return Sweep.Row(
      job: "job", values: [:], state: .succeeded, figures: ReportFigures(verdict: .pass, figures: figures, discreditedBy: discredited))
  }

  private func rule(_ metric: String = "robust_accuracy", _ least: JSONValue = [:]) throws -> BestRule {
    try #require(BestRule(["metric": .string(metric), "min": least]))
  }

  @Test("the front has each job that no other beats in both accuracies, by falling clean accuracy") func front() throws {
    let rows = [row(90, 60), row(98, 20), row(95, 50), row(94, 49), row(90, 60), row(80, 60), row(nil)]
    let ranking = SweepRanking(rows, try rule())
    #expect(ranking.front == [1, 2, 0, 4])
    // By brute force.
    let points = [(90, 60), (98, 20), (95, 50), (94, 49), (90, 60), (80, 60)]
    let expected = points.indices.filter { one in
      !points.contains { $0.0 >= points[one].0 && $0.1 >= points[one].1 && ($0.0 > points[one].0 || $0.1 > points[one].1) }
    }
    #expect(Set(ranking.front) == Set(expected))
  }

  @Test("certified accuracy is a third axis where every job has it") func certified() throws {
    #expect(SweepRanking([row(90, 60, certified: 10), row(89, 59, certified: 30)], try rule()).front == [0, 1])
    #expect(SweepRanking([row(90, 60), row(89, 59, certified: 30)], try rule()).front == [0])
  }

  @Test("the best has the highest figure of those that keep the bounds; of equals the one of the higher clean accuracy, then the earlier")
  func best() throws {
    let rows = [row(90, 60), row(98, 20), row(95, 50), row(95, 50), row(96, 50)]
    #expect(SweepRanking(rows, try rule()).best == 0)
    let bound = SweepRanking(rows, try rule("robust_accuracy", ["clean_accuracy": 0.95]))
    #expect(bound.best == 4)
    #expect(bound.reason == "It has the highest robust_accuracy of those with clean_accuracy ≥ 0.95.")
    #expect(SweepRanking(Array(rows[2...3]), try rule()).best == 0)
    #expect(SweepRanking(rows, try rule("clean_accuracy")).best == 1)
  }

  @Test("where there is no best the reason says why") func none() throws {
    #expect(SweepRanking([row(nil), row(nil)], try rule()).reason == "No job has a report yet. 2 of 2 jobs have not ended.")
    let short = SweepRanking([row(90, 60), row(nil)], try rule("robust_accuracy", ["robust_accuracy": 0.7]))
    #expect(short.best == nil)
    #expect(short.reason == "No job with a result has robust_accuracy ≥ 0.7. 1 of 2 jobs have not ended.")
    #expect(SweepRanking([row(90)], try rule()).reason == "robust_accuracy was measured of no job.")
  }

  @Test("a job whose robust accuracy a warning discredits is neither best nor on the front") func discredited() throws {
    let rows = [row(90, 60), row(98, 97, discredited: ["masked_gradients"])]
    let ranking = SweepRanking(rows, try rule())
    #expect(ranking.best == 0 && ranking.front == [0])
    let all = SweepRanking([rows[1]], try rule())
    #expect(all.best == nil && all.front.isEmpty && all.reason.contains("discredited"))
  }
}
