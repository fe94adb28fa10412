import Foundation
import GRDB
import JSON
import Robustness

/// Schedules and their runs.
extension Store {
  /// Keeps a schedule, in one transaction with the answer.
  ///
  /// - Parameter answer: made of the new schedule.
  package func submit(
    _ request: ScheduleRequest, id: String, owner: String = localOwner, key: IdempotencyKey?, at now: Timestamp = .now,
    answer: (JobSchedule) throws -> StoredAnswer
  ) throws -> CreationAnswer {
    let labels = JSONValue.object(request.labels.sorted { $0.key < $1.key }.reduce(into: JSONObject()) { $0[$1.key] = .string($1.value) })
    return try create(key: key, at: now) { change in
      try change.db.execute(
        sql: "INSERT INTO schedules (id, owner, name, labels, spec, cron, created_at, made_until) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
        arguments: [
          id, owner, request.name, labels.serialised(), request.spec.serialised(), request.cron.description, now.milliseconds,
        ])
      return try answer(Self.schedule(id, change.db))
    }
  }

  /// - Throws: `NotFound`, `Damaged`.
  package func schedule(_ id: String) throws -> JobSchedule { try database.read { db in try Self.schedule(id, db) } }

  /// Newest first. One whose record is damaged is left out, with a line in the log.
  package func schedules(for viewer: Viewer = .all, after: String? = nil, limit: Int = 50) throws -> Page<JobSchedule> {
    try database.read { db in
      let rows = try Row.fetchAll(
        db, sql: "SELECT * FROM schedules WHERE (? IS NULL OR id < ?) AND (? = '*' OR owner = ?) ORDER BY id DESC LIMIT ?",
        arguments: [after, after, viewer.owner, viewer.owner, limit + 1])
      let schedules = try rows.prefix(limit).compactMap { row -> JobSchedule? in
        do { return try JobSchedule(row, last: Self.runs(of: row["id"], db)) } catch let error as Damaged {
          logger.error("the record of a schedule is damaged", metadata: ["schedule": "\(error.id)"])
          return nil
        }
      }
      return Page(elements: schedules, hasMore: rows.count > limit)
    }
  }

  /// Removes a schedule; its jobs stay, with their labels.
  ///
  /// - Throws: `NotFound`.
  package func deleteSchedule(_ id: String, if condition: ChangeCondition? = nil) throws {
    try change(if: condition) { change in
      try change.db.execute(sql: "DELETE FROM schedules WHERE id = ?", arguments: [id])
      guard change.db.changesCount == 1 else { throw NotFound(id) }
    }
  }

  // MARK: Runs

  /// All runs that are kept, newest first.
  package func runs(of schedule: String) throws -> [JobSchedule.Run] {
    try database.read { db in try Self.runs(of: schedule, limit: Self.mostRuns, db) }
  }

  /// All of them, without their runs: for the clock.
  func schedulesForClock() throws -> [JobSchedule] {
    try database.read { db in try Row.fetchAll(db, sql: "SELECT * FROM schedules").compactMap { try? JobSchedule($0, last: []) } }
  }

  func hasRun(_ schedule: String, dueAt due: Timestamp) throws -> Bool {
    try database.read { db in try Self.hasRun(schedule, dueAt: due, db) }
  }

  /// Makes the job of a due minute, unless one was made: both in one transaction, so that a minute has one run whatever happens.
  ///
  /// - Returns: the job; `nil` when the minute has its run already, or the schedule was deleted.
  /// - Throws: `SpecFaults`, `QuotaExceeded` when no job can be made.
  func makeRun(of schedule: JobSchedule, dueAt due: Timestamp, _ accepted: SpecCheck.Accepted, at now: Timestamp) throws -> String? {
    try change(at: now) { change in
      guard try Self.isOpen(schedule, due, change.db) else { return nil }
      let job = try Self.insert(
        accepted.spec, owner: schedule.owner, peakBytes: accepted.footprint.jobBytes, work: accepted.estimate.floatingPointOperations,
        change)
      try Self.insertRun(of: schedule, due, job: job, reason: nil, change)
      return job
    }
  }

  /// Notes that no job could be made of a due minute.
  func noteFailedRun(of schedule: JobSchedule, dueAt due: Timestamp, _ reason: String, at now: Timestamp) throws {
    try change(at: now) { change in
      guard try Self.isOpen(schedule, due, change.db) else { return }
      try Self.insertRun(of: schedule, due, job: nil, reason: reason, change)
      try Self.noteTurnToNothing(of: schedule, due, reason, change)
    }
  }

  /// Where the run before had a verdict, its absence is told as another verdict would be: a nightly check that ended in silence looks like one
  /// that passes.
  private static func noteTurnToNothing(of schedule: JobSchedule, _ due: Timestamp, _ reason: String, _ change: Change) throws {
    let before = try String.fetchOne(
      change.db,
      sql:
        "SELECT verdict FROM schedule_runs WHERE schedule = ? AND due_at < ? AND (verdict IS NOT NULL OR job IS NULL) ORDER BY due_at DESC LIMIT 1",
      arguments: [schedule.id, due.milliseconds]
    ).flatMap(Verdict.init)
    guard let before else { return }
    try change.db.execute(
      sql: "UPDATE schedule_runs SET turned = 1 WHERE schedule = ? AND due_at = ?", arguments: [schedule.id, due.milliseconds])
    let labels = schedule.labels.merging([ScheduleRequest.label: schedule.id]) { $1 }
    try tellWebhooks(
      of: .turn, owner: schedule.owner, labels: labels,
      ["schedule": .string(schedule.id), "before": .string(before.rawValue), "reason": .string(reason)], change)
  }

  /// The most runs that are kept of a schedule.
  private static let mostRuns = 2_000

  private static func insertRun(of schedule: JobSchedule, _ due: Timestamp, job: String?, reason: String?, _ change: Change) throws {
    let db = change.db
    try db.execute(
      sql: "INSERT INTO schedule_runs (schedule, due_at, made_at, job, reason) VALUES (?, ?, ?, ?, ?)",
      arguments: [schedule.id, due.milliseconds, change.now.milliseconds, job, reason])
    let oldest = try Int64.fetchOne(
      db, sql: "SELECT due_at FROM schedule_runs WHERE schedule = ? ORDER BY due_at DESC LIMIT 1 OFFSET ?",
      arguments: [schedule.id, mostRuns])
    guard let oldest else { return }
    try db.execute(sql: "DELETE FROM schedule_runs WHERE schedule = ? AND due_at <= ?", arguments: [schedule.id, oldest])
    try db.execute(sql: "UPDATE schedules SET made_until = max(made_until, ?) WHERE id = ?", arguments: [oldest, schedule.id])
  }

  private static func isOpen(_ schedule: JobSchedule, _ due: Timestamp, _ db: Database) throws -> Bool {
    let isThere = try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM schedules WHERE id = ?)", arguments: [schedule.id]) == true
    return try isThere && !hasRun(schedule.id, dueAt: due, db)
  }

  private static func hasRun(_ schedule: String, dueAt due: Timestamp, _ db: Database) throws -> Bool {
    try Bool.fetchOne(
      db, sql: "SELECT EXISTS (SELECT 1 FROM schedule_runs WHERE schedule = ? AND due_at = ?)", arguments: [schedule, due.milliseconds])
      == true
  }

  /// Notes the verdict of a job with the run that made it, and whether it turned.
  static func noteScheduled(_ verdict: Verdict, of job: String, _ change: Change) throws {
    let db = change.db
    let found = try Row.fetchOne(
      db,
      sql: """
        SELECT schedule, due_at, owner FROM schedule_runs JOIN schedules ON schedules.id = schedule WHERE schedule_runs.job = ?
        """, arguments: [job])
    guard let found else { return }
    let (schedule, due): (String, Int64) = (found["schedule"], found["due_at"])
    let before = try String.fetchOne(
      db,
      sql: """
        SELECT verdict FROM schedule_runs WHERE schedule = ? AND due_at < ? AND verdict IS NOT NULL ORDER BY due_at DESC LIMIT 1
        """, arguments: [schedule, due]
    ).flatMap(Verdict.init)
    let hasTurned = before.map { $0 != verdict } ?? false
    try db.execute(
      sql: "UPDATE schedule_runs SET verdict = ?, turned = ? WHERE schedule = ? AND due_at = ?",
      arguments: [verdict.rawValue, hasTurned, schedule, due])
    guard let before, hasTurned else { return }
    change.turns.append(
      VerdictTurn(schedule: schedule, owner: found["owner"], job: job, before: before, verdict: verdict, at: change.now))
    try tellWebhooks(of: .turn, job, with: ["schedule": .string(schedule), "before": .string(before.rawValue)], change)
  }

  private static func schedule(_ id: String, _ db: Database) throws -> JobSchedule {
    guard let row = try Row.fetchOne(db, sql: "SELECT * FROM schedules WHERE id = ?", arguments: [id]) else { throw NotFound(id) }
    return try JobSchedule(row, last: runs(of: id, db))
  }

  private static func runs(of id: String, limit: Int = JobSchedule.shownRuns, _ db: Database) throws -> [JobSchedule.Run] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT due_at, made_at, schedule_runs.job AS job, state, coalesce(schedule_runs.reason, jobs.reason) AS reason, verdict, turned
        FROM schedule_runs LEFT JOIN jobs ON jobs.id = schedule_runs.job WHERE schedule = ? ORDER BY due_at DESC LIMIT ?
        """, arguments: [id, limit]
    ).map(JobSchedule.Run.init)
  }
}

extension JobSchedule {
  /// - Throws: `Damaged` when the row holds what Temper never writes.
  fileprivate init(_ row: Row, last: [Run]) throws {
    let id: String = row["id"]
    guard Identifier.schedule.matches(id), case .object(let labels)? = try? JSONValue(parsing: row["labels"] as String),
      let spec = try? JSONValue(parsing: row["spec"] as String), let cron = try? CronLine(row["cron"] as String)
    else { throw Damaged(id) }
    self.init(
      id: id, owner: row["owner"], name: row["name"], labels: labels.members.reduce(into: [:]) { $0[$1.key] = $1.value.string }, spec: spec,
      cron: cron, createdAt: Timestamp(milliseconds: row["created_at"]), madeUntil: Timestamp(milliseconds: row["made_until"]), last: last)
  }
}

extension JobSchedule.Run {
  fileprivate init(_ row: Row) {
    self.init(
      dueAt: Timestamp(milliseconds: row["due_at"]), madeAt: Timestamp(milliseconds: row["made_at"]), job: row["job"],
      state: (row["state"] as String?).flatMap(JobState.init), reason: row["reason"],
      verdict: (row["verdict"] as String?).flatMap(Verdict.init), hasTurned: row["turned"])
  }
}
