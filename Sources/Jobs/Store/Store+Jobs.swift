import JSON
import Foundation
import GRDB
import Robustness

/// A part of a list, newest first.
package struct Page<Element: Sendable>: Sendable {
  package let elements: [Element]
  package let hasMore: Bool

  package init(elements: [Element], hasMore: Bool) {
    self.elements = elements
    self.hasMore = hasMore
  }
}

extension Store {
  /// Puts a job into the queue.
  ///
  /// - Parameter peakBytes: the most memory that it will take.
  /// - Throws: `SpecFaults` when a data set or weights that the spec names have gone since it was checked.
  @discardableResult
  package func submit(_ spec: JobSpec, peakBytes: Int = 0, at now: Timestamp = .now) throws -> Job {
    let job = try pool.write { db in try Self.insert(spec, peakBytes: peakBytes, at: now, db) }
    changes.announce(job.id)
    return job
  }

  /// - Throws: `NotFound`.
  package func job(_ id: String) throws -> Job { try pool.read { db in try Self.job(id, db) } }

  /// Newest first.
  ///
  /// - Parameters:
  ///   - labels: all of them must be the job's.
  ///   - after: the id of the last job of the page before.
  package func jobs(
    state: JobState? = nil, labels: [String: String] = [:], after: String? = nil, limit: Int = 50
  ) throws -> Page<Job> {
    try pool.read { db in
      var clauses: [String] = []
      var arguments = StatementArguments()
      if let state {
        clauses.append("state = ?")
        arguments += [state.rawValue]
      }
      for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
        clauses.append("EXISTS (SELECT 1 FROM json_each(labels) WHERE json_each.key = ? AND json_each.value = ?)")
        arguments += [key, value]
      }
      if let after {
        // By the place of the job where it is still there, by its id (which sorts by time) where it was deleted meanwhile.
        clauses.append("(position < (SELECT position FROM jobs WHERE id = ?) OR (NOT EXISTS (SELECT 1 FROM jobs WHERE id = ?) AND id < ?))")
        arguments += [after, after, after]
      }
      let filter = clauses.isEmpty ? "" : "WHERE " + clauses.joined(separator: " AND ")
      arguments += [limit + 1]
      let ids = try String.fetchAll(db, sql: "SELECT id FROM jobs \(filter) ORDER BY position DESC LIMIT ?", arguments: arguments)
      return Page(elements: try ids.prefix(limit).map { try Self.job($0, db) }, hasMore: ids.count > limit)
    }
  }

  /// How many jobs are in each state.
  package func counts() throws -> [JobState: Int] {
    try pool.read { db in
      let rows = try Row.fetchAll(db, sql: "SELECT state, count(*) AS count FROM jobs GROUP BY state")
      return try rows.reduce(into: [:]) { $0[try Self.state($1["state"])] = $1["count"] }
    }
  }

  /// Changes a job's state by the table of `JobState`; the change, its entry in `transitions` and its event are one transaction.
  ///
  /// - Throws: `NotFound`, `IllegalTransition`.
  @discardableResult
  package func move(_ id: String, to state: JobState, reason: String? = nil, at now: Timestamp = .now) throws -> Job {
    let job = try pool.write { db in
      try Self.move(id, to: state, reason: reason, at: now, db)
      return try Self.job(id, db)
    }
    changes.announce(id)
    return job
  }

  /// The next job by priority, then by submission; it is running when this returns.
  ///
  /// - Parameter budget: the bytes that all jobs may take together. A job that does not fit beside those that run waits until it does, and
  ///   those behind it with it: else small jobs could keep a large one waiting for ever. One that runs alone always may.
  package func claim(within budget: Int? = nil, at now: Timestamp = .now) throws -> Job? {
    let job = try pool.write { db -> Job? in
      let next = "SELECT id, peak_bytes FROM jobs WHERE state = 'queued' ORDER BY priority DESC, position LIMIT 1"
      guard let row = try Row.fetchOne(db, sql: next) else { return nil }
      let id: String = row["id"]
      if let budget, let taken = try Self.bytesOfRunningJobs(db) {
        let bytes: Int = row["peak_bytes"]
        guard taken + bytes <= budget else { return nil }
      }
      try Self.move(id, to: .running, reason: nil, at: now, db)
      return try Self.job(id, db)
    }
    if let job { changes.announce(job.id) }
    return job
  }

  /// Ends an attempt. What was asked for meanwhile goes first: a job that is being cancelled ends as cancelled, and one that should
  /// pause is paused instead of queued.
  package func settle(_ id: String, as state: JobState, reason: String?, at now: Timestamp = .now) throws {
    try pool.write { db in
      let present = try Self.job(id, db).state
      switch (present, state) {
      case (.cancelling, _): try Self.move(id, to: .cancelled, reason: nil, at: now, db)
      case (.pausing, .queued): try Self.move(id, to: .paused, reason: nil, at: now, db)
      // The request to stop came by the run's control before the state did.
      case (.running, .cancelled):
        try Self.move(id, to: .cancelling, reason: nil, at: now, db)
        try Self.move(id, to: .cancelled, reason: reason, at: now, db)
      case (.running, .paused):
        try Self.move(id, to: .pausing, reason: nil, at: now, db)
        try Self.move(id, to: .paused, reason: reason, at: now, db)
      default: try Self.move(id, to: state, reason: reason, at: now, db)
      }
    }
    changes.announce(id)
  }

  /// Asks a job to stop: at once when it is not running, else by way of `cancelling` or `pausing`, which its run brings to an end.
  ///
  /// - Throws: `NotFound`, `IllegalTransition`.
  func requestStop(_ id: String, to wanted: JobState, at now: Timestamp = .now) throws -> Job {
    let job = try pool.write { db -> Job in
      let present = try Self.job(id, db).state
      let between: JobState = wanted == .cancelled ? .cancelling : .pausing
      let direct = present == .queued || present == .paused
      guard present.successors.contains(direct ? wanted : between) else { throw IllegalTransition(job: id, state: present, wanted: wanted) }
      try Self.move(id, to: direct ? wanted : between, reason: nil, at: now, db)
      return try Self.job(id, db)
    }
    changes.announce(id)
    return job
  }

  /// How many times the process may end under a job before the job is taken to be the cause.
  static let mostCrashes = 3

  /// Settles what the process before this one left: a job that was running goes back to the queue as a new attempt, one that should
  /// pause is paused, one that should be cancelled is. To be called once, before any worker runs.
  package func recover(at now: Timestamp = .now) throws {
    try pool.write { db in
      let rows = try Row.fetchAll(db, sql: "SELECT id, state, crashes FROM jobs WHERE state IN ('running', 'pausing', 'cancelling')")
      for row in rows {
        let id: String = row["id"]
        let crashes: Int = row["crashes"]
        switch try Self.state(row["state"]) {
        case .cancelling: try Self.move(id, to: .cancelled, reason: "The process ended while the job was being cancelled.", at: now, db)
        case .pausing: try Self.move(id, to: .paused, reason: "The process ended while the job was pausing.", at: now, db)
        default: try Self.settle(id, crashes: crashes + 1, at: now, db)
        }
      }
    }
  }

  private static func settle(_ id: String, crashes: Int, at now: Timestamp, _ db: Database) throws {
    try db.execute(sql: "UPDATE jobs SET crashes = ? WHERE id = ?", arguments: [crashes, id])
    if crashes > mostCrashes {
      try move(
        id, to: .failed, reason: "The process ended \(crashes) times while the job was running, so the job is not tried again.", at: now, db
      )
    } else {
      try move(id, to: .queued, reason: "The process ended while the job was running; it goes on from its last saved state.", at: now, db)
    }
  }

  /// Removes a job that has ended, with everything of it.
  ///
  /// - Throws: `NotFound`; `NotTerminal`; `InUse` when jobs are to start from one of its checkpoints.
  package func delete(_ id: String) throws {
    try pool.write { db in
      let job = try Self.job(id, db)
      guard job.state.isTerminal else { throw NotTerminal(job: id, state: job.state) }
      for checkpoint in try String.fetchAll(db, sql: "SELECT id FROM checkpoints WHERE job = ?", arguments: [id]) {
        try Self.requireUnused(checkpoint, db)
      }
      try db.execute(sql: "DELETE FROM jobs WHERE id = ?", arguments: [id])
    }
    directory.remove(directory.job(id))
    changes.announce(id)
  }

  // MARK: Within a transaction

  /// The memory that the jobs that run may take; nil when none does.
  private static func bytesOfRunningJobs(_ db: Database) throws -> Int? {
    try Int.fetchOne(db, sql: "SELECT sum(peak_bytes) FROM jobs WHERE state IN ('running', 'pausing', 'cancelling')")
  }

  static func insert(_ spec: JobSpec, peakBytes: Int, at now: Timestamp, _ db: Database) throws -> Job {
    try requireResources(of: spec, db)
    let id = Identifier.job.make(at: now)
    let labels = JSONValue.object(spec.labels.reduce(into: JSONObject()) { $0[$1.key] = .string($1.value) })
    try db.execute(
      sql: """
        INSERT INTO jobs VALUES (?, (SELECT coalesce(max(position), 0) + 1 FROM jobs), ?, ?, 'queued', NULL, 1, 0, ?, ?, ?, '{}', '[]', ?,
        NULL, NULL, 1, ?)
        """,
      arguments: [
        id, spec.name, labels.serialised(), spec.priority, spec.json.serialised(), JobProgress().json.serialised(), now.milliseconds,
        peakBytes,
      ])
    for resource in spec.resourcesInUse {
      try db.execute(sql: "INSERT INTO uses VALUES (?, ?)", arguments: [id, resource])
    }
    try record(.queued, of: id, reason: nil, at: now, db)
    return try job(id, db)
  }

  static func job(_ id: String, _ db: Database) throws -> Job {
    guard let row = try Row.fetchOne(db, sql: "SELECT * FROM jobs WHERE id = ?", arguments: [id]) else { throw NotFound(id) }
    let transitions = try Row.fetchAll(db, sql: "SELECT * FROM transitions WHERE job = ? ORDER BY number", arguments: [id])
    return try Job(row, transitions: transitions)
  }

  static func state(_ text: String) throws -> JobState {
    guard let state = JobState(rawValue: text) else { throw NotFound("state \(text)") }
    return state
  }

  static func move(_ id: String, to state: JobState, reason: String?, at now: Timestamp, _ db: Database) throws {
    guard let text = try String.fetchOne(db, sql: "SELECT state FROM jobs WHERE id = ?", arguments: [id]) else { throw NotFound(id) }
    let present = try Self.state(text)
    guard present.successors.contains(state) else { throw IllegalTransition(job: id, state: present, wanted: state) }
    try db.execute(
      sql: """
        UPDATE jobs SET state = ?, reason = ?, revision = revision + 1, attempt = attempt + ?,
          started_at = CASE WHEN ? THEN coalesce(started_at, ?) ELSE started_at END,
          finished_at = CASE WHEN ? THEN ? ELSE finished_at END
        WHERE id = ?
        """,
      arguments: [
        state.rawValue, reason, state == .queued ? 1 : 0, state == .running, now.milliseconds, state.isTerminal, now.milliseconds, id,
      ])
    try record(state, of: id, reason: reason, at: now, db)
    guard state.isTerminal else { return }
    try append(.end, to: id, ["state": .string(state.rawValue), "reason": .orNull(reason)], at: now, db)
  }

  private static func record(_ state: JobState, of id: String, reason: String?, at now: Timestamp, _ db: Database) throws {
    try db.execute(
      sql: "INSERT INTO transitions VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM transitions WHERE job = ?), ?, ?, ?)",
      arguments: [id, id, state.rawValue, now.milliseconds, reason])
    let attempt = try Int.fetchOne(db, sql: "SELECT attempt FROM jobs WHERE id = ?", arguments: [id])
    try append(.state, to: id, ["state": .string(state.rawValue), "attempt": .orNull(attempt), "reason": .orNull(reason)], at: now, db)
  }

  static func append(_ kind: JobEvent.Kind, to id: String, _ data: JSONValue, at now: Timestamp, _ db: Database) throws {
    try db.execute(
      sql: "INSERT INTO events VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM events WHERE job = ?), ?, ?, ?)",
      arguments: [id, id, kind.rawValue, now.milliseconds, data.serialised()])
  }

  /// The data set and the weights of a spec must be there when the job comes into being: one transaction with it, so that a deletion
  /// comes before or after, never between.
  private static func requireResources(of spec: JobSpec, _ db: Database) throws {
    var faults: [SpecFault] = []
    func require(_ id: String?, _ table: String, at pointer: String) throws {
      guard let id else { return }
      if try String.fetchOne(db, sql: "SELECT id FROM \(table) WHERE id = ?", arguments: [id]) == nil {
        faults.append(SpecFault(pointer, .notFound, "there is no \(id.prefix(100)) (any more)"))
      }
    }
    if case .id(let id) = spec.dataset.reference, Identifier.dataset.matches(id) { try require(id, "datasets", at: "/dataset/id") }
    for (id, pointer) in [(spec.model.initial, "/model/init"), (spec.evaluation.baseline, "/evaluation/baseline")] {
      guard let id else { continue }
      try require(id, Identifier.model.matches(id) ? "models" : "checkpoints", at: pointer)
    }
    guard faults.isEmpty else { throw SpecFaults(faults) }
  }

  static func requireUnused(_ resource: String, _ db: Database) throws {
    let jobs = try String.fetchAll(
      db,
      sql: """
        SELECT jobs.id FROM uses JOIN jobs ON jobs.id = uses.job
        WHERE uses.resource = ? AND jobs.state NOT IN ('succeeded', 'failed', 'cancelled') ORDER BY jobs.position LIMIT 10
        """, arguments: [resource])
    guard jobs.isEmpty else { throw InUse(id: resource, jobs: jobs) }
  }
}

/// A job that has not ended cannot be deleted.
package struct NotTerminal: Error, Hashable, Sendable, CustomStringConvertible {
  package let job: String
  package let state: JobState
  package var description: String { "the job is \(state.rawValue); only a job that has ended can be deleted: cancel it first" }
}

extension JobSpec {
  /// The ids whose deletion would take something from this job.
  var resourcesInUse: Set<String> {
    var ids = Set([model.initial, evaluation.baseline].compactMap { $0 })
    if case .id(let id) = dataset.reference { ids.insert(id) }
    return ids
  }
}

extension Job {
  fileprivate init(_ row: Row, transitions rows: [Row]) throws {
    id = row["id"]
    name = row["name"]
    labels = try JSONValue(stored: row["labels"]).decoded(as: [String: String].self)
    state = try Store.state(row["state"])
    reason = row["reason"]
    attempt = row["attempt"]
    spec = try JSONValue(stored: row["spec"])
    priority = row["priority"]
    progress = try JobProgress(stored: JSONValue(stored: row["progress"]))
    metrics = try JSONValue(stored: row["metrics"]).decoded(as: [String: Double].self)
    warnings = try JSONValue(stored: row["warnings"]).decoded(as: [Warning].self)
    createdAt = Timestamp(milliseconds: row["created_at"])
    startedAt = (row["started_at"] as Int64?).map(Timestamp.init)
    finishedAt = (row["finished_at"] as Int64?).map(Timestamp.init)
    revision = row["revision"]
    self.transitions = try rows.map {
      Transition(state: try Store.state($0["state"]), at: Timestamp(milliseconds: $0["at"]), reason: $0["reason"])
    }
  }
}
