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
  package let name: String?
  package let labels: [String: String]
  package let state: JobState
  /// Why it failed, or why it is in this state, in a sentence.
  package let reason: String?
  /// From 1; one more each time that the job goes back to the queue.
  package let attempt: Int
  /// As completed by every default.
  package let spec: JSONValue
  package let priority: Int
  package let progress: JobProgress
  /// The latest of each.
  package let metrics: [String: Double]
  package let warnings: [Warning]
  package let createdAt: Timestamp
  package let startedAt: Timestamp?
  package let finishedAt: Timestamp?
  package let transitions: [Transition]
  /// Grows with every change that shows in the record: what an ETag is made of.
  package let revision: Int

  /// The job object of the API.
  ///
  /// - Parameter links: where its parts are; whoever has the routes knows.
  package func json(links: JSONObject = [:]) -> JSONValue {
    var labelled = JSONObject()
    for (key, value) in labels.sorted(by: { $0.key < $1.key }) { labelled[key] = .string(value) }
    var measured = JSONObject()
    for (key, value) in metrics.sorted(by: { $0.key < $1.key }) { measured[key] = .number(value) }
    return [
      "id": .string(id), "object": "job", "name": .orNull(name), "labels": .object(labelled), "state": .string(state.rawValue),
      "terminal": .bool(state.isTerminal), "reason": .orNull(reason), "attempt": .int(Int64(attempt)), "spec": spec,
      "progress": progress.json, "metrics": .object(measured), "warnings": .array(warnings.map(\.json)),
      "created_at": .string(createdAt.description), "started_at": .orNull(startedAt?.description),
      "finished_at": .orNull(finishedAt?.description), "transitions": .array(transitions.map(\.json)), "links": .object(links),
    ]
  }

  /// The seconds that it has been running, over all attempts.
  package func secondsRunning(at now: Timestamp = .now) -> Double {
    var total = 0.0
    for (index, transition) in transitions.enumerated() where [.running, .pausing, .cancelling].contains(transition.state) {
      let end = index + 1 < transitions.count ? transitions[index + 1].at : now
      total += max(0, end.seconds(since: transition.at))
    }
    return total
  }
}

extension Warning {
  package var json: JSONValue { ["code": .string(code), "detail": .string(detail)] }
}
