import Robustness

/// The best of a sweep's jobs by its rule, and those that no other beats in everything.
///
/// A job whose robust accuracy a warning of its report discredits is in neither: the figure is that of a weak attack.
package struct SweepRanking: Hashable, Sendable {
  /// The Pareto front: the places of jobs such that no other is at least as good in each accuracy and better in one; by falling clean
  /// accuracy.
  package let front: [Int]
  package let best: Int?
  /// Why it is the best, or why there is none, in a sentence.
  package let reason: String

  package init(_ rows: [Sweep.Row], _ rule: BestRule) {
    let credible = rows.indices.filter { rows[$0].figures?.discreditedBy.isEmpty == true }
    front = Self.front(rows, credible)
    let candidates = credible.filter { place in
      rows[place].value(rule.metric) != nil && rule.least.allSatisfy { rows[place].value($0.key) ?? -.infinity >= $0.value }
    }
    best = candidates.max { Self.precedes(rows, $0, $1, rule.metric) }
    reason = Self.reason(rows, rule, credible, best)
  }

  /// Clean and robust accuracy, and the certified one where every candidate has it: else jobs with and without it could not be compared.
  private static func front(_ rows: [Sweep.Row], _ credible: [Int]) -> [Int] {
    let (clean, robust, certified) = (
      Gate.Metric.cleanAccuracy.rawValue, Gate.Metric.robustAccuracy.rawValue, Gate.Metric.certifiedAccuracy.rawValue
    )
    let measured = credible.filter { rows[$0].value(clean) != nil && rows[$0].value(robust) != nil }
    let axes = [clean, robust] + (measured.allSatisfy { rows[$0].value(certified) != nil } ? [certified] : [])
    let points = measured.map { place in (place: place, values: axes.map { rows[place].value($0) ?? 0 }) }
    return points.filter { point in !points.contains { Self.dominates($0.values, point.values) } }
      .sorted { ($1.values[0], $0.place) < ($0.values[0], $1.place) }.map(\.place)
  }

  private static func dominates(_ one: [Double], _ other: [Double]) -> Bool {
    zip(one, other).allSatisfy { $0 >= $1 } && zip(one, other).contains { $0 > $1 }
  }

  /// Whether the first of two jobs is the worse one.
  private static func precedes(_ rows: [Sweep.Row], _ one: Int, _ other: Int, _ metric: String) -> Bool {
    for name in [metric, Gate.Metric.cleanAccuracy.rawValue, Gate.Metric.robustAccuracy.rawValue] {
      let (mine, theirs) = (rows[one].value(name) ?? -.infinity, rows[other].value(name) ?? -.infinity)
      if mine != theirs { return mine < theirs }
    }
    return one > other
  }

  private static func reason(_ rows: [Sweep.Row], _ rule: BestRule, _ credible: [Int], _ best: Int?) -> String {
    let bounds = rule.least.sorted { $0.key < $1.key }.map { "\($0.key) ≥ \($0.value)" }.joined(separator: " and ")
    let open = rows.count { !$0.isTerminal }
    let rest = open == 0 ? "" : " \(open) of \(rows.count) jobs have not ended."
    if best != nil { return "It has the highest \(rule.metric)\(bounds.isEmpty ? "" : " of those with \(bounds)").\(rest)" }
    let reported = rows.count { $0.figures != nil }
    if reported == 0 { return "No job has a report\(open == 0 ? "" : " yet").\(rest)" }
    if credible.isEmpty {
      return "The results of all \(reported) jobs with a report are discredited by warnings; see discredited_by.\(rest)"
    }
    let measured = credible.count { rows[$0].value(rule.metric) != nil }
    if measured == 0 { return "\(rule.metric) was measured of no job.\(rest)" }
    return "No job with a result has \(bounds).\(rest)"
  }
}

extension Sweep.Row {
  fileprivate func value(_ metric: String) -> Double? { figures?.figures[metric]?.value }
}
