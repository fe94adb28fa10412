import JSON
import Robustness

/// A job as it is stored.
package struct Job: Hashable, Sendable {
  package struct Transition: Hashable, Sendable {
    package let state: JobState
    package let at: Timestamp
    package let reason: String?

    package var json: JSONValue { ["state": .string(state.rawValue), "at": .string(at.description), "reason": .orNull(reason)] }
  }

  package let id: String
  package let owner: String
  package let name: String?
  package let labels: [String: String]
  package let kind: JobSpec.Kind
  package let state: JobState
  /// Why the job failed, or why it is in this state, as a sentence.
  package let reason: String?
  /// Starts at 1 and grows by one each time the job goes back to the queue.
  package let attempt: Int
  /// The completed spec as JSON text, so that lists of jobs need not parse it.
  package let specText: String
  /// The failed job whose last saved state this job started from.
  package let resumedFrom: String?
  /// The finished job that this one goes on with for further epochs.
  package let extendedFrom: String?
  /// The job that must have succeeded before it begins.
  package let follows: String?
  /// What its report says, `ReportFigures` as JSON text; `nil` as long as it has none.
  package let resultText: String?
  package let priority: Int
  package var progress: JobProgress
  /// The latest value of each metric.
  package let metrics: [String: Double]
  package var warnings: [Warning]
  package let createdAt: Timestamp
  package let startedAt: Timestamp?
  package let finishedAt: Timestamp?
  /// The first ones and the latest; see `Store.mostTransitions`.
  package var transitions: [Transition]
  /// The SHA-256 of its report.
  package let report: String?
  /// The SHA-256 of its evidence; `nil` as long as it has none, and where its spec wants none.
  package let evidence: String?
  /// The id of the data set that it made; it is nobody's but its owner's, and stays when the job is deleted.
  package let generated: String?
  /// The seconds that its earlier attempts ran.
  package let secondsRun: Double
  /// Grows with every change that shows in the record: what an ETag is made of.
  package var revision: Int

  /// Whether it has a report and a verdict when it has succeeded.
  package var isReported: Bool { kind != .generate }

  /// Whether its first attempt begins with what another job left in its folder.
  var goesOnWithAnother: Bool { resumedFrom != nil || extendedFrom != nil }

  package var spec: JSONValue { get throws { try JSONValue(parsing: specText) } }

  /// The job object of the API.
  ///
  /// - Parameter links: the paths of its parts, which only the routes know.
  package func text(links: JSONObject = [:]) -> String {
    var measured = JSONObject()
    for (key, value) in metrics.sorted(by: { $0.key < $1.key }) { measured[key] = .number(value) }
    let object: JSONValue = [
      "id": .string(id), "object": "job", "name": .orNull(name), "labels": JSONValue(texts: labels), "owner": .string(owner),
      "state": .string(state.rawValue), "terminal": .bool(state.isTerminal), "reason": .orNull(reason), "attempt": .int(Int64(attempt)),
      "resumed_from": .orNull(resumedFrom), "extended_from": .orNull(extendedFrom), "after": .orNull(follows),
      "priority": .int(Int64(priority)), "generated_dataset": .orNull(generated),
      "progress": progress.json,
      "metrics": .object(measured),
      "warnings": .array(warnings.map(\.json)), "created_at": .string(createdAt.description),
      "started_at": .orNull(startedAt?.description), "finished_at": .orNull(finishedAt?.description),
      "transitions": .array(transitions.map(\.json)), "links": .object(links),
    ]
    // Inserts the spec's text as it is. Parsing and writing it would be most of the work.
    var text = object.serialised()
    text.removeLast()
    return text + ",\"result\":\(resultText ?? "null"),\"spec\":\(specText)}"
  }
}

extension Warning {
  package var json: JSONValue { ["code": .string(code), "detail": .string(detail)] }
}
