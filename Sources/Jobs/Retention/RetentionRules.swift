import JSON
import Robustness
import Training

/// What of jobs that have ended goes, and when. Without any rule everything stays.
package struct RetentionRules: Hashable, Sendable {
  /// Days after which a job goes, with everything of it; `nil`: never.
  package var jobDays: Int?
  /// Of the jobs of an owner with the same value of a label the newest so many stay.
  package var jobsPerLabel: [String: Int] = [:]
  /// Days after which checkpoints go that have none of `keptRoles`; `nil`: never.
  package var checkpointDays: Int?
  package var keptRoles: Set<CheckpointRole> = [.bestRobust, .bestClean]
  /// Days for which the evidence of a job stays, and with it a job that has a verdict; `nil`: for ever.
  package var evidenceDays: Int? = 3_650
  /// Owners whose things stay.
  package var exemptOwners: [String] = []
  /// Whether they are carried out at the start and once a day; without it only when somebody asks.
  package var isDaily = true

  package init() {}

  /// Whether anything can ever go by them.
  package var isEmpty: Bool { jobDays == nil && jobsPerLabel.isEmpty && checkpointDays == nil && evidenceDays == nil }

  package var json: JSONValue {
    [
      "job_days": .orNull(jobDays),
      "jobs_per_label": .object(jobsPerLabel.sorted { $0.key < $1.key }.reduce(into: JSONObject()) { $0[$1.key] = .int(Int64($1.value)) }),
      "checkpoint_days": .orNull(checkpointDays), "kept_roles": .array(keptRoles.map(\.rawValue).sorted().map(JSONValue.string)),
      "evidence_days": .orNull(evidenceDays), "exempt_owners": .array(exemptOwners.sorted().map(JSONValue.string)),
      "daily": .bool(isDaily),
    ]
  }
}
