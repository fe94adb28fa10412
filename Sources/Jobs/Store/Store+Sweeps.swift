import Files
import Foundation
import GRDB
import JSON
import Robustness

/// Sweeps: what they vary, and how their jobs stand.
extension Store {
  /// Makes a sweep and puts all of its jobs into the queue, in one transaction with the answer.
  ///
  /// - Parameter answer: made of the new sweep.
  /// - Throws: `SpecFaults` when something that the specs name has gone since they were checked; nothing is made then.
  package func submit(
    _ accepted: SweepCheck.Accepted, owner: String = localOwner, key: IdempotencyKey?, at now: Timestamp = .now,
    answer: (Sweep) throws -> StoredAnswer
  ) throws -> CreationAnswer {
    try create(key: key, at: now) { change in
      try Self.insert(accepted, owner: owner, change)
      return try answer(Self.sweep(accepted.id, change.db))
    }
  }

  private static func insert(_ accepted: SweepCheck.Accepted, owner: String, _ change: Change) throws {
    let (db, sweep) = (change.db, accepted.sweep)
    // Each job asks anew, but all of them are what the sweep wants.
    try change.quotas.requireJobs(accepted.jobs.count, of: owner, db)
    let labels = JSONValue(texts: sweep.labels)
    try db.execute(
      sql: "INSERT INTO sweeps (id, owner, name, labels, spec, vary, mode, best, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        accepted.id, owner, sweep.name, labels.serialised(), sweep.spec.serialised(), sweep.vary.serialised(), sweep.mode.rawValue,
        sweep.best.json.serialised(), change.now.milliseconds,
      ])
    var faults = SweepFaults(sweep)
    for (number, job) in accepted.jobs.enumerated() {
      do {
        let id = try insert(job.spec, owner: owner, peakBytes: job.peakBytes, work: job.work, change)
        try db.execute(
          sql: "INSERT INTO sweep_jobs (sweep, number, job, varied) VALUES (?, ?, ?, ?)",
          arguments: [accepted.id, number, id, job.values.serialised()])
      } catch let error as SpecFaults {
        faults.add(error.faults, of: job.choices)
      }
    }
    guard faults.isEmpty else { throw SpecFaults(faults.all) }
  }

  /// - Throws: `NotFound`, `Damaged`.
  package func sweep(_ id: String) throws -> Sweep { try database.read { db in try Self.sweep(id, db) } }

  /// Newest first. One whose record is damaged is left out, with a line in the log.
  ///
  /// - Parameter after: the id of the last sweep of the page before.
  package func sweeps(for viewer: Viewer = .all, after: String? = nil, limit: Int = 50) throws -> Page<Sweep> {
    try database.read { db in
      let rows = try Row.fetchAll(
        db, sql: "SELECT * FROM sweeps WHERE (? IS NULL OR id < ?) AND (? = '*' OR owner = ?) ORDER BY id DESC LIMIT ?",
        arguments: [after, after, viewer.owner, viewer.owner, limit + 1])
      let sweeps = try rows.prefix(limit).compactMap { row -> Sweep? in
        do { return try Sweep(row, rows: Self.sweepRows(of: row["id"], db)) } catch let error as Damaged {
          logger.error("the record of a sweep is damaged", metadata: ["sweep": "\(error.id)"])
          return nil
        }
      }
      return Page(elements: sweeps, hasMore: rows.count > limit)
    }
  }

  /// Removes a sweep all of whose jobs have ended.
  ///
  /// - Parameter withJobs: whether its jobs go with it, with everything of theirs; otherwise they stay, with their labels.
  /// - Throws: `NotFound`; `NotEnded`; `InUse` when jobs are to start from a checkpoint of one that would go.
  package func deleteSweep(_ id: String, withJobs: Bool, if condition: ChangeCondition? = nil) throws {
    let jobs = try change(if: condition) { change -> [String] in
      let sweep = try Self.sweep(id, change.db)
      try Self.requireEnded(sweep)
      let jobs = withJobs ? sweep.rows.filter { $0.state != nil }.map(\.job) : []
      for job in jobs { try Self.delete(job, directory, change) }
      try change.db.execute(sql: "DELETE FROM sweeps WHERE id = ?", arguments: [id])
      return jobs
    }
    for job in jobs { try collectReleased(of: job) }
  }

  private static func requireEnded(_ sweep: Sweep) throws {
    let open = sweep.rows.filter { !$0.isTerminal }
    guard open.isEmpty else { throw NotEnded(sweep: sweep.id, jobs: open.map(\.job), count: sweep.rows.count) }
  }

  /// Asks all jobs of a sweep to stop that have not ended, in one transaction: none that waits begins meanwhile.
  ///
  /// - Returns: those that run.
  /// - Throws: `NotFound`; `HasEnded` when all jobs have.
  func requestStop(ofSweep id: String, if condition: ChangeCondition? = nil) throws -> (stopped: [String], running: [String]) {
    try change(if: condition) { change in
      let sweep = try Self.sweep(id, change.db)
      let open = sweep.rows.filter { !$0.isTerminal }
      guard !open.isEmpty else { throw HasEnded(sweep: id) }
      var (stopped, running): ([String], [String]) = ([], [])
      for row in open where row.state != .cancelling {
        if try Self.requestStop(row.job, to: .cancelled, change) { stopped.append(row.job) } else { running.append(row.job) }
      }
      return (stopped, running)
    }
  }

  // MARK: Within a transaction

  /// Notes what the report of a job says, with the job and with the sweep that it is one of.
  static func note(_ figures: ReportFigures, of job: String, _ db: Database) throws {
    let text = try JSONValue(encoding: figures).serialised()
    try db.execute(sql: "UPDATE jobs SET result = ? WHERE id = ?", arguments: [text, job])
    try db.execute(sql: "UPDATE sweep_jobs SET result = ? WHERE job = ?", arguments: [text, job])
  }

  /// A job that goes on in the place of a failed one takes its place in the sweep, and as a run of a schedule.
  static func replace(_ failed: String, by job: String, _ db: Database) throws {
    for table in ["sweep_jobs", "schedule_runs"] {
      try db.execute(sql: "UPDATE \(table) SET job = ? WHERE job = ?", arguments: [job, failed])
    }
  }

  private static func sweep(_ id: String, _ db: Database) throws -> Sweep {
    guard let row = try Row.fetchOne(db, sql: "SELECT * FROM sweeps WHERE id = ?", arguments: [id]) else { throw NotFound(id) }
    return try Sweep(row, rows: sweepRows(of: id, db))
  }

  private static func sweepRows(of id: String, _ db: Database) throws -> [Sweep.Row] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT sweep_jobs.job AS job, varied, sweep_jobs.result AS result, state, reason FROM sweep_jobs LEFT JOIN jobs ON jobs.id = sweep_jobs.job
        WHERE sweep = ? ORDER BY number
        """, arguments: [id]
    ).map { try Sweep.Row($0, of: id) }
  }
}

/// A sweep cannot be deleted while jobs of it have not ended.
package struct NotEnded: Error, Hashable, Sendable, CustomStringConvertible {
  package let sweep: String
  package let jobs: [String]
  let count: Int
  package var description: String { "\(jobs.count) of the sweep's \(count) jobs have not ended; cancel it first, or wait" }
}

/// A sweep whose jobs have all ended cannot be cancelled.
package struct HasEnded: Error, Hashable, Sendable, CustomStringConvertible {
  package let sweep: String
  package var description: String { "all jobs of the sweep have ended, and it cannot be cancelled" }
}

extension Sweep {
  /// - Throws: `Damaged` when the row holds what Temper never writes.
  init(_ row: GRDB.Row, rows: [Sweep.Row]) throws {
    let id: String = row["id"]
    func known<Value>(_ value: Value?) throws -> Value {
      guard let value else { throw Damaged(id) }
      return value
    }
    func document(_ column: String) throws -> JSONValue { try known(try? JSONValue(parsing: row[column] as String)) }
    guard Identifier.sweep.matches(id) else { throw Damaged(id) }
    self.id = id
    owner = row["owner"]
    name = row["name"]
    labels = try document("labels")
    specText = row["spec"]
    vary = try document("vary")
    mode = try known(SweepSpec.Mode(rawValue: row["mode"]))
    bestRule = try known(BestRule(document("best")))
    createdAt = Timestamp(milliseconds: row["created_at"])
    self.rows = rows
  }
}

extension Sweep.Row {
  fileprivate init(_ row: GRDB.Row, of sweep: String) throws {
    guard let values = try? JSONValue(parsing: row["varied"] as String) else { throw Damaged(sweep) }
    let figures = (row["result"] as String?).flatMap { try? JSONValue(parsing: $0).decoded(as: ReportFigures.self) }
    self.init(
      job: row["job"], values: values, state: (row["state"] as String?).flatMap(JobState.init), reason: row["reason"], figures: figures)
  }
}
