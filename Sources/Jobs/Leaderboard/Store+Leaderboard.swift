import Attacks
import Foundation
import GRDB
import JSON
import Robustness

extension Store {
  /// The jobs that have a report, those of the highest robust accuracy first; what another owner has is not among them.
  ///
  /// - Parameters:
  ///   - dataset: its id; `nil` for any, as for the other two.
  ///   - limit: the most of them.
  package func evaluatedJobs(
    for viewer: Viewer, dataset: String? = nil, norm: String? = nil, epsilon: Double? = nil, limit: Int
  ) throws -> [Leaderboard.Row] {
    try database.read { db in
      var clauses = ["result IS NOT NULL", "json_valid(spec)", "json_valid(result)"]
      var arguments = StatementArguments()
      if !viewer.seesAll {
        clauses.append("owner = ?")
        arguments += [viewer.owner]
      }
      for (path, value) in [("$.dataset.id", dataset), ("$.threat.norm", norm)] {
        guard let value else { continue }
        clauses.append("json_extract(spec, '\(path)') = ?")
        arguments += [value]
      }
      if let epsilon {
        clauses.append("json_extract(spec, '$.threat.epsilon') = ?")
        arguments += [epsilon]
      }
      arguments += [limit]
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT id, name, spec, result, finished_at FROM jobs WHERE \(clauses.joined(separator: " AND "))
          ORDER BY json_extract(result, '$.figures.robust_accuracy.value') DESC, position LIMIT ?
          """, arguments: arguments)
      var evaluations = KnownEvaluations()
      return rows.compactMap { Leaderboard.Row($0, &evaluations) }
    }
  }
}

/// The evaluations of specs. Jobs of one board mostly have the same, and reading a whole spec takes the most of a millisecond.
private struct KnownEvaluations {
  private var known: [JSONValue: EvaluationSection] = [:]

  /// - Returns: `nil` where the spec cannot be understood.
  mutating func evaluation(of spec: JSONValue) -> EvaluationSection? {
    let key: JSONValue = .array(["kind", "threat", "evaluation"].map { spec[$0] ?? .null })
    if let evaluation = known[key] { return evaluation }
    let evaluation = (try? JobSpec(reading: spec))?.evaluation
    known[key] = evaluation
    return evaluation
  }
}

extension Leaderboard.Row {
  /// - Returns: `nil` for a record that cannot be understood, and for data that has no id.
  fileprivate init?(_ row: Row, _ evaluations: inout KnownEvaluations) {
    guard let spec = try? JSONValue(parsing: row["spec"] as String), let dataset = spec["dataset"]?["id"]?.string,
      let norm = spec["threat"]?["norm"]?.string, let epsilon = spec["threat"]?["epsilon"]?.double,
      let figures = try? JSONValue(parsing: row["result"] as String).decoded(as: ReportFigures.self),
      let evaluation = evaluations.evaluation(of: spec)
    else { return nil }
    self.init(
      job: row["id"], name: row["name"], dataset: dataset, norm: norm, epsilon: epsilon,
      architecture: spec["model"]?["architecture"]?.string, method: spec["training"]?["method"]?.string,
      samples: evaluation.samples, isStrong: EvaluationStrength(evaluation.attacks).isStrong, figures: figures,
      finishedAt: (row["finished_at"] as Int64?).map(Timestamp.init(milliseconds:)))
  }
}
