import JSON
import Robustness

/// A schedule as it is stored, with its last runs.
package struct JobSchedule: Hashable, Sendable {
  /// What was made at one due minute.
  package struct Run: Hashable, Sendable {
    package let dueAt: Timestamp
    package let madeAt: Timestamp
    /// `nil` where no job could be made.
    package let job: String?
    /// `nil` for a job that was deleted.
    package let state: JobState?
    /// Why no job could be made, or why it is in this state, as a sentence.
    package let reason: String?
    /// It stays when the job is deleted.
    package let verdict: Verdict?
    /// Whether the verdict is another than that of the run before, or there is none after one.
    package let hasTurned: Bool

    fileprivate var json: JSONValue {
      [
        "due_at": .string(dueAt.description), "made_at": .string(madeAt.description), "job": .orNull(job),
        "state": .orNull(state?.rawValue),
        "reason": .orNull(reason), "verdict": .orNull(verdict?.rawValue), "turned": .bool(hasTurned),
      ]
    }
  }

  package let id: String
  package let owner: String
  package let name: String?
  package let labels: [String: String]
  package let spec: JSONValue
  package let cron: CronLine
  package let createdAt: Timestamp
  /// No run is made of this minute and before.
  let madeUntil: Timestamp
  /// Newest first.
  package let last: [Run]

  /// How many runs are shown.
  package static let shownRuns = 10

  /// The spec of the next job.
  package var document: JSONValue { ScheduleRequest.document(spec, name: name, labels: labels, id: id) }

  /// The minute whose run is to be made at a moment, unless it was; `nil` when there is none.
  package func due(at now: Timestamp) -> Timestamp? {
    cron.latest(at: now).flatMap { $0 > createdAt && $0 > madeUntil ? $0 : nil }
  }

  /// The schedule object of the API.
  ///
  /// - Parameter links: the paths of its parts, which only the routes know.
  package func json(links: JSONObject = [:], at now: Timestamp = .now) -> JSONValue {
    [
      "id": .string(id), "object": "schedule", "name": .orNull(name),
      "labels": .object(labels.sorted { $0.key < $1.key }.reduce(into: JSONObject()) { $0[$1.key] = .string($1.value) }),
      "owner": .string(owner), "cron": .string(cron.description), "next_at": .orNull(cron.next(after: max(now, createdAt))?.description),
      "last": .array(last.map(\.json)), "created_at": .string(createdAt.description), "links": .object(links), "spec": spec,
    ]
  }
}
