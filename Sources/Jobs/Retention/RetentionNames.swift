import GRDB
import JSON

/// What jobs, sweeps and schedules name, and so keep.
struct RetentionNames {
  /// Of each named job what names it, as a phrase.
  private(set) var jobs: [String: String] = [:]
  private(set) var checkpoints: Set<String> = []
  /// Of schedules that compare with the newest job of some labels: the owner and the labels.
  private var newest: [(owner: String, labels: [String: String], schedule: String)] = []

  init(_ db: Database) throws {
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT follows AS named, id FROM jobs WHERE follows IS NOT NULL
        UNION ALL SELECT resumed_from, id FROM jobs WHERE resumed_from IS NOT NULL
        UNION ALL SELECT extended_from, id FROM jobs WHERE extended_from IS NOT NULL
        UNION ALL SELECT checkpoints.job, uses.job FROM uses JOIN checkpoints ON checkpoints.id = uses.resource
        UNION ALL SELECT job, sweep FROM sweep_jobs
        UNION ALL SELECT job, schedule FROM (
          SELECT job, schedule, row_number() OVER (PARTITION BY schedule ORDER BY due_at DESC) AS place FROM schedule_runs
          WHERE job IS NOT NULL) WHERE place <= \(JobSchedule.shownRuns)
        """)
    while let row = try rows.next() { jobs[row["named"]] = "\(row["id"] as String) names it" }
    checkpoints = try String.fetchSet(db, sql: "SELECT resource FROM uses WHERE resource LIKE 'ckpt@_%' ESCAPE '@'")
    try readSchedules(db)
  }

  private mutating func readSchedules(_ db: Database) throws {
    for row in try Row.fetchAll(db, sql: "SELECT id, owner, spec FROM schedules") {
      guard let spec = try? JSONValue(parsing: row["spec"] as String) else { continue }
      let id: String = row["id"]
      for text in Self.texts(in: spec) {
        // `job_…/best_robust` names a job.
        let name = String(text.prefix { $0 != "/" })
        if Identifier.job.matches(name) { jobs[name] = "\(id) names it" }
        guard Identifier.checkpoint.matches(name) else { continue }
        checkpoints.insert(name)
        let job = try String.fetchOne(db, sql: "SELECT job FROM checkpoints WHERE id = ?", arguments: [name])
        if let job { jobs[job] = "\(id) names it" }
      }
      if let labels = spec["evaluation"]?["baseline"].flatMap(WeightLabels.init)?.labels { newest.append((row["owner"], labels, id)) }
    }
  }

  private static func texts(in value: JSONValue) -> [String] {
    switch value {
    case .string(let text): [text]
    case .array(let elements): elements.flatMap(texts)
    case .object(let object): object.members.flatMap { texts(in: $0.value) }
    default: []
    }
  }

  /// What names a job that is looked at after all newer ones.
  mutating func name(of id: String, owner: String, labels: [String: String], hasSucceeded: Bool) -> String? {
    if hasSucceeded,
      let place = newest.firstIndex(where: { each in each.owner == owner && each.labels.allSatisfy { labels[$0.key] == $0.value } })
    {
      let schedule = newest.remove(at: place).schedule
      jobs[id] = "\(schedule) compares with it"
    }
    return jobs[id]
  }
}
