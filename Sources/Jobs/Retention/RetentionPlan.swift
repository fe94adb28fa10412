import JSON
import Training

/// What goes by the rules at a moment, and why: a function of values.
package struct RetentionPlan: Hashable, Sendable {
  /// A job that has ended, as the rules look at it.
  package struct Candidate: Hashable, Sendable {
    package let id: String
    package let owner: String
    package let labels: [String: String]
    package let endedAt: Timestamp
    /// Whether it has evidence, and a verdict that the evidence is of.
    package let hasEvidence: Bool
    package let hasVerdict: Bool
    /// Of its report, its evidence and its checkpoints.
    package let bytes: Int
    package let evidenceBytes: Int
    package let checkpoints: [Weights]
    /// What still names it, as a phrase; `nil` for nothing.
    package let namedBy: String?

    package init(
      id: String, owner: String = "local", labels: [String: String] = [:], endedAt: Timestamp, hasEvidence: Bool = false,
      hasVerdict: Bool = false, bytes: Int = 0, evidenceBytes: Int = 0, checkpoints: [Weights] = [], namedBy: String? = nil
    ) {
      self.id = id
      self.owner = owner
      self.labels = labels
      self.endedAt = endedAt
      self.hasEvidence = hasEvidence
      self.hasVerdict = hasVerdict
      self.bytes = bytes
      self.evidenceBytes = evidenceBytes
      self.checkpoints = checkpoints
      self.namedBy = namedBy
    }
  }

  /// A checkpoint of a candidate.
  package struct Weights: Hashable, Sendable {
    package let id: String
    /// `nil` for one whose role went to another.
    package let role: CheckpointRole?
    package let bytes: Int
    package let isNamed: Bool

    package init(id: String, role: CheckpointRole?, bytes: Int, isNamed: Bool = false) {
      self.id = id
      self.role = role
      self.bytes = bytes
      self.isNamed = isNamed
    }
  }

  package struct Removal: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Hashable, Sendable { case job, checkpoint, evidence }

    package let kind: Kind
    /// Of the job or the checkpoint.
    package let id: String
    package let job: String
    package let owner: String
    package let bytes: Int
    /// A sentence.
    package let reason: String

    package var json: JSONValue {
      [
        "kind": .string(kind.rawValue), "id": .string(id), "job": .string(job), "owner": .string(owner), "bytes": .int(Int64(bytes)),
        "reason": .string(reason),
      ]
    }
  }

  package private(set) var removals: [Removal] = []
  /// Jobs that a rule would take and that stay all the same, since something names them.
  package private(set) var named: [String: String] = [:]
  /// Those that stay for their evidence.
  package private(set) var keptForEvidence: Set<String> = []

  /// - Parameter candidates: newest first.
  package init(_ candidates: [Candidate], _ rules: RetentionRules, at now: Timestamp) {
    var seen: [LabelValue: Int] = [:]
    for job in candidates where !rules.exemptOwners.contains(job.owner) {
      let days = now.seconds(since: job.endedAt) / 86_400
      if let reason = Self.reason(to: job, days, rules, &seen), mayGo(job, days, rules) {
        removals.append(Removal(kind: .job, id: job.id, job: job.id, owner: job.owner, bytes: job.bytes, reason: reason))
      } else {
        takeParts(of: job, days, rules)
      }
    }
  }

  private struct LabelValue: Hashable {
    let owner: String
    let name: String
    let value: String
  }

  /// Why a rule takes a whole job.
  private static func reason(to job: Candidate, _ days: Double, _ rules: RetentionRules, _ seen: inout [LabelValue: Int]) -> String? {
    var beyond: String?
    for (name, most) in rules.jobsPerLabel.sorted(by: { $0.key < $1.key }) {
      guard let value = job.labels[name] else { continue }
      let place = LabelValue(owner: job.owner, name: name, value: value)
      seen[place, default: 0] += 1
      if seen[place, default: 0] > most { beyond = "There are \(most) newer jobs of \(job.owner) with the label \(name)=\(value)." }
    }
    if let most = rules.jobDays, days > Double(most) { return "It ended more than \(most) days ago." }
    return beyond
  }

  private mutating func mayGo(_ job: Candidate, _ days: Double, _ rules: RetentionRules) -> Bool {
    if let name = job.namedBy {
      named[job.id] = name
      return false
    }
    guard job.hasEvidence, job.hasVerdict, rules.evidenceDays.map({ days <= Double($0) }) ?? true else { return true }
    keptForEvidence.insert(job.id)
    return false
  }

  /// What goes of a job that stays.
  private mutating func takeParts(of job: Candidate, _ days: Double, _ rules: RetentionRules) {
    if let most = rules.checkpointDays, days > Double(most) {
      for weights in job.checkpoints where !weights.isNamed && !(weights.role.map(rules.keptRoles.contains) ?? false) {
        let role = weights.role.map { "has the role \($0.rawValue)" } ?? "has no role any more"
        removals.append(
          Removal(
            kind: .checkpoint, id: weights.id, job: job.id, owner: job.owner, bytes: weights.bytes,
            reason: "Its job ended more than \(most) days ago, and it \(role)."))
      }
    }
    if let most = rules.evidenceDays, days > Double(most), job.hasEvidence, job.namedBy == nil {
      removals.append(
        Removal(
          kind: .evidence, id: job.id, job: job.id, owner: job.owner, bytes: job.evidenceBytes,
          reason: "Its job ended more than \(most) days ago."))
    }
  }

  package var bytes: Int { removals.reduce(0) { $0 + $1.bytes } }

  /// The most removals that an answer lists.
  package static let mostListed = 1_000

  package func json(_ rules: RetentionRules, isDryRun: Bool) -> JSONValue {
    let counts = Dictionary(grouping: removals, by: \.kind).mapValues(\.count)
    return [
      "object": "retention", "dry_run": .bool(isDryRun), "rules": rules.json, "count": .int(Int64(removals.count)),
      "counts": .object(
        Removal.Kind.allCases.reduce(into: JSONObject()) { $0[$1.rawValue] = .int(Int64(counts[$1] ?? 0)) }),
      "bytes": .int(Int64(bytes)), "removals": .array(removals.prefix(Self.mostListed).map(\.json)),
      "kept": ["named": .int(Int64(named.count)), "evidence": .int(Int64(keptForEvidence.count))],
    ]
  }
}
