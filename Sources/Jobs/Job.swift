import JSON
import Robustness

/// A job as the store has it.
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
  package let state: JobState
  /// Why it failed, or why it is in this state, in a sentence.
  package let reason: String?
  /// From 1; one more each time that the job goes back to the queue.
  package let attempt: Int
  /// As completed by every default, in JSON: a list of jobs need not parse it.
  package let specText: String
  /// The job that failed and whose last saved state this one began with.
  package let resumedFrom: String?
  package let priority: Int
  package var progress: JobProgress
  /// The latest of each.
  package let metrics: [String: Double]
  package var warnings: [Warning]
  package let createdAt: Timestamp
  package let startedAt: Timestamp?
  package let finishedAt: Timestamp?
  /// The first ones and the latest; see `Store.mostTransitions`.
  package var transitions: [Transition]
  /// The SHA-256 of its report.
  package let report: String?
  /// The seconds that its attempts have run, the present one left out.
  package let secondsRun: Double
  /// Grows with every change that shows in the record: what an ETag is made of.
  package var revision: Int

  package var spec: JSONValue { get throws { try JSONValue(parsing: specText) } }

  /// The job object of the API.
  ///
  /// - Parameter links: where its parts are; whoever has the routes knows.
  package func text(links: JSONObject = [:]) -> String {
    var labelled = JSONObject()
    for (key, value) in labels.sorted(by: { $0.key < $1.key }) { labelled[key] = .string(value) }
    var measured = JSONObject()
    for (key, value) in metrics.sorted(by: { $0.key < $1.key }) { measured[key] = .number(value) }
    let object: JSONValue = [
      "id": .string(id), "object": "job", "name": .orNull(name), "labels": .object(labelled), "owner": .string(owner),
      "state": .string(state.rawValue), "terminal": .bool(state.isTerminal), "reason": .orNull(reason), "attempt": .int(Int64(attempt)),
      "resumed_from": .orNull(resumedFrom), "progress": progress.json, "metrics": .object(measured),
      "warnings": .array(warnings.map(\.json)), "created_at": .string(createdAt.description),
      "started_at": .orNull(startedAt?.description), "finished_at": .orNull(finishedAt?.description),
      "transitions": .array(transitions.map(\.json)), "links": .object(links),
    ]
    // The spec's text as it is: parsing and writing it again would be most of the work.
    var text = object.serialised()
    text.removeLast()
    return text + ",\"spec\":\(specText)}"
  }
}

extension Warning {
  package var json: JSONValue { ["code": .string(code), "detail": .string(detail)] }
}
