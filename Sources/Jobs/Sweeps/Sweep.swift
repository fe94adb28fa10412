import JSON
import Robustness

/// A sweep as it is stored, with how its jobs stand.
package struct Sweep: Hashable, Sendable {
  /// One of its jobs.
  package struct Row: Hashable, Sendable {
    package let job: String
    /// The varied fields with their values.
    package let values: JSONValue
    /// `nil` for a job that was deleted.
    package let state: JobState?
    /// Why it failed, or why it is in this state, as a sentence.
    package let reason: String?
    /// Of its report; they stay when the job is deleted.
    package let figures: ReportFigures?

    package init(job: String, values: JSONValue, state: JobState?, reason: String? = nil, figures: ReportFigures? = nil) {
      self.job = job
      self.values = values
      self.state = state
      self.reason = reason
      self.figures = figures
    }

    package var isTerminal: Bool { state?.isTerminal ?? true }
  }

  package let id: String
  package let owner: String
  package let name: String?
  package let labels: JSONValue
  /// The job spec as it was given, as JSON text.
  package let specText: String
  package let vary: JSONValue
  package let mode: SweepSpec.Mode
  package let bestRule: BestRule
  package let createdAt: Timestamp
  /// In the order of `SweepSpec.variations`.
  package let rows: [Row]

  /// The sweep object of the API.
  ///
  /// - Parameters:
  ///   - links: the paths of its parts, which only the routes know.
  ///   - isWhole: with its table and its spec; lists leave them out.
  package func json(links: JSONObject = [:], isWhole: Bool = true) -> JSONValue {
    let ranking = SweepRanking(rows, bestRule)
    var object: JSONObject = [
      "id": .string(id), "object": "sweep", "name": .orNull(name), "labels": labels, "owner": .string(owner),
      "mode": .string(mode.rawValue), "vary": vary, "best_by": bestRule.json, "terminal": .bool(rows.allSatisfy(\.isTerminal)),
      "states": states, "jobs": .array(rows.map { .string($0.job) }),
    ]
    if isWhole { object["table"] = .array(rows.map(\.json)) }
    object["front"] = .array(ranking.front.map { .string(rows[$0].job) })
    object["best"] = .orNull(ranking.best.map { rows[$0].job })
    object["best_reason"] = .string(ranking.reason)
    object["created_at"] = .string(createdAt.description)
    object["links"] = .object(links)
    if isWhole { object["spec"] = (try? JSONValue(parsing: specText)) ?? .null }
    return .object(object)
  }

  /// How many of its jobs are in each state.
  private var states: JSONValue {
    let counts = Dictionary(grouping: rows, by: \.stateName).mapValues(\.count)
    let names = JobState.allCases.map(\.rawValue) + [Row.deleted]
    return .object(names.reduce(into: JSONObject()) { $0[$1] = counts[$1].map { .int(Int64($0)) } })
  }
}

extension Sweep.Row {
  fileprivate static let deleted = "deleted"
  fileprivate var stateName: String { state?.rawValue ?? Self.deleted }

  /// Every metric that a table shows.
  private static let metrics = Gate.Metric.allCases.map(\.rawValue)

  fileprivate var json: JSONValue {
    var object: JSONObject = [
      "job": .string(job), "values": values, "state": .string(stateName), "reason": .orNull(reason),
      "verdict": .orNull(figures?.verdict.rawValue),
    ]
    var intervals = JSONObject()
    for metric in Self.metrics {
      let figure = figures?.figures[metric]
      object[metric] = .orNull(figure?.value)
      if let figure { intervals[metric] = [.number(figure.low), .number(figure.high)] }
    }
    object["intervals"] = .object(intervals)
    object["discredited_by"] = .array((figures?.discreditedBy ?? []).map(JSONValue.string))
    return .object(object)
  }
}
