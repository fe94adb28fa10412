import Files
import Foundation
import GRDB
import Glibc
import JSON
import Robustness

/// The life of a job: how it moves from state to state.
extension Store {
  /// Changes a job's state by the table of `JobState`; the change, its entry in `transitions` and its event are one transaction.
  ///
  /// - Throws: `NotFound`, `IllegalTransition`.
  @discardableResult
  package func move(_ id: String, to state: JobState, reason: String? = nil, at now: Timestamp = .now) throws -> Job {
    try change(at: now) { change in try Self.move(id, to: state, reason: reason, change) }
    return try job(id)
  }

  /// The next job by the rules of `JobQueue`; it is running when this returns.
  ///
  /// - Parameters:
  ///   - budget: the bytes that all jobs may take together.
  ///   - engine: what its attempt will be computed with.
  package func claim(within budget: Int? = nil, engine: String = "", at now: Timestamp = .now) throws -> Job? {
    // Most looks find nothing: they need no transaction.
    guard try queuedCount() > 0 else { return nil }
    let id = try change(at: now) { change -> String? in
      let db = change.db
      guard let next = try queue(within: budget, db).next else { return nil }
      let id = next.id
      let attempt = try Int.fetchOne(db, sql: "SELECT attempt FROM jobs WHERE id = ?", arguments: [id])
      try Self.noteTurn(of: next.owner, db)
      try Self.move(id, to: .running, reason: nil, change)
      try db.execute(
        sql: "INSERT OR REPLACE INTO attempts (job, number, engine, started_at) VALUES (?, ?, ?, ?)",
        arguments: [id, attempt, engine, now.milliseconds])
      return id
    }
    return try id.map(job)
  }

  /// How an attempt ended.
  package struct Ending: Sendable {
    package var state: JobState
    package var reason: String?
    /// How long this attempt ran.
    package var seconds: Double
    /// Of a job that succeeded.
    package var report: KeptFile?
    /// The same, where the spec wants it.
    package var evidence: KeptFile?
    /// Of one that made a data set.
    package var generated: NewDataset?
    /// What its report says.
    package var figures: ReportFigures?

    package init(
      _ state: JobState, reason: String? = nil, seconds: Double = 0, report: KeptFile? = nil, evidence: KeptFile? = nil,
      generated: NewDataset? = nil, figures: ReportFigures? = nil
    ) {
      self.state = state
      self.reason = reason
      self.seconds = seconds
      self.report = report
      self.evidence = evidence
      self.generated = generated
      self.figures = figures
    }
  }

  /// Ends an attempt. What was asked for meanwhile goes first: a job that is being cancelled ends as cancelled, and one that should
  /// pause is paused instead of queued.
  package func settle(_ id: String, _ ending: Ending, at now: Timestamp = .now) throws {
    let progress = board.progress(of: id)
    let warnings = board.unstoredWarnings(of: id)
    try change(at: now) { change in
      let present = try Self.job(id, change.db)
      try Self.keep(warnings: warnings, of: present, change)
      try Self.keep(progress, seconds: ending.seconds, of: id, change.db)
      for (column, file) in [("report", ending.report), ("evidence", ending.evidence)] {
        guard let file else { continue }
        try Self.named(file, change.db)
        try change.db.execute(sql: "UPDATE jobs SET \(column) = ? WHERE id = ?", arguments: [file.sha256, id])
      }
      if let figures = ending.figures {
        try Self.note(figures, of: id, change.db)
        try Self.noteScheduled(figures.verdict, of: id, change)
      }
      if let generated = ending.generated, present.state != .cancelling {
        let record = try generated.insert(owner: present.owner, change)
        try change.db.execute(sql: "UPDATE jobs SET generated = ? WHERE id = ?", arguments: [record.id, id])
      }
      switch (present.state, ending.state) {
      case (.cancelling, _): try Self.move(id, to: .cancelled, reason: nil, change)
      case (.pausing, .queued): try Self.move(id, to: .paused, reason: nil, change)
      // The request to stop came by the run's control before the state did.
      case (.running, .cancelled):
        try Self.move(id, to: .cancelling, reason: nil, change)
        try Self.move(id, to: .cancelled, reason: ending.reason, change)
      case (.running, .paused):
        try Self.move(id, to: .pausing, reason: nil, change)
        try Self.move(id, to: .paused, reason: ending.reason, change)
      default: try Self.move(id, to: ending.state, reason: ending.reason, change)
      }
    }
  }

  private static func keep(_ progress: JobProgress?, seconds: Double, of id: String, _ db: Database) throws {
    try db.execute(
      sql: "UPDATE jobs SET ran_ms = ran_ms + ?, ordered_stop = 0, progress = coalesce(?, progress) WHERE id = ?",
      arguments: [Int64(seconds * 1_000), progress?.json.serialised(), id])
  }

  /// Asks a job to stop: at once when it is not running, else by way of `cancelling` or `pausing`, which its run brings to an end.
  ///
  /// - Throws: `NotFound`, `IllegalTransition`.
  package func requestStop(_ id: String, to wanted: JobState, at now: Timestamp = .now, if condition: ChangeCondition? = nil) throws -> Job
  {
    try change(at: now, if: condition) { change in _ = try Self.requestStop(id, to: wanted, change) }
    return try job(id)
  }

  /// - Returns: whether it has stopped already, as it was not running.
  static func requestStop(_ id: String, to wanted: JobState, _ change: Change) throws -> Bool {
    let present = try job(id, change.db).state
    let between: JobState = wanted == .cancelled ? .cancelling : .pausing
    let direct = present == .queued || present == .paused
    guard present.successors.contains(direct ? wanted : between) else { throw IllegalTransition(job: id, state: present, wanted: wanted) }
    try move(id, to: direct ? wanted : between, reason: nil, change)
    return direct
  }

  /// Puts a paused job back into the queue.
  ///
  /// - Throws: `NotFound`, `IllegalTransition` from every other state: a running job may go back to the queue too, but only by the end of its
  ///   attempt.
  package func resume(_ id: String, at now: Timestamp = .now, if condition: ChangeCondition? = nil) throws -> Job {
    try change(at: now, if: condition) { change in
      let job = try Self.job(id, change.db)
      guard job.state == .paused else { throw IllegalTransition(job: id, state: job.state, wanted: .queued) }
      try change.quotas.requirePlace(of: job.owner, change.db)
      try Self.move(id, to: .queued, reason: "Resumed.", change)
    }
    return try job(id)
  }

  /// Notes that a shutdown waits for the running jobs: when it does not wait long enough, that is no crash of theirs.
  package func noteOrderedStop() throws {
    try database.write { db in
      try db.execute(sql: "UPDATE jobs SET ordered_stop = 1 WHERE state IN ('running', 'pausing', 'cancelling')")
    }
  }

  // MARK: After a crash

  /// Where a job would go on.
  package struct SavedPoint: Hashable, Sendable {
    /// Weight updates.
    package let step: Int
    /// Rises with everything that is saved, the evaluation's examples included.
    package let position: Int
    package let savedAt: Timestamp

    package init(step: Int, position: Int, savedAt: Timestamp) {
      self.step = step
      self.position = position
      self.savedAt = savedAt
    }
  }

  /// Settles what the process before this one left: a job that was running goes back to the queue as a new attempt, one that should
  /// pause is paused, one that should be cancelled is. To be called once, before any worker runs.
  ///
  /// - Parameters:
  ///   - fruitlessAttempts: how many times in a row the process may end under a job without the job having saved anything new, before
  ///     the job is taken to be the cause.
  ///   - saved: the last saved state in a job's folder.
  package func recover(
    fruitlessAttempts: Int = 3, at now: Timestamp = .now, saved: (URL) -> SavedPoint? = { _ in nil }
  ) throws {
    let ids = try database.read { db in
      try String.fetchAll(db, sql: "SELECT id FROM jobs WHERE state IN ('running', 'pausing', 'cancelling') ORDER BY position")
    }
    for id in ids {
      let point = saved(directory.job(id))
      try change(at: now) { change in try Self.recover(id, point, fruitlessAttempts, change) }
    }
  }

  /// More than the revisions of a job that were shown and are gone: none of them may come again for another state of it.
  private static let revisionsInMemory = 1 << 32

  private static func recover(_ id: String, _ point: SavedPoint?, _ limit: Int, _ change: Change) throws {
    let db = change.db
    guard let row = try Row.fetchOne(db, sql: "SELECT * FROM jobs WHERE id = ?", arguments: [id]) else { return }
    let job = try Self.job(id, db)
    let isAdvanced = (point?.position ?? 0) > row["saved_position"]
    let isOrdered: Bool = row["ordered_stop"]
    let before: Int = row["crashes"]
    let crashes = isAdvanced ? 0 : isOrdered ? before : before + 1
    // The time that it was seen to run: the process may have been gone for days before it was started again.
    let begun = job.transitions.last { $0.state == .running }?.at ?? change.now
    let ran = point.map { max(0, min($0.savedAt.milliseconds, change.now.milliseconds) - begun.milliseconds) } ?? 0
    try db.execute(
      sql: """
        UPDATE jobs SET crashes = ?, ordered_stop = 0, ran_ms = ran_ms + ?, saved_step = ?, saved_position = ?,
          revision = revision + \(revisionsInMemory) WHERE id = ?
        """, arguments: [crashes, ran, point?.step, point?.position ?? 0, id])
    switch job.state {
    case .cancelling: try move(id, to: .cancelled, reason: "The process ended while the job was being cancelled.", change)
    case .pausing: try move(id, to: .paused, reason: "The process ended while the job was pausing.", change)
    case _ where crashes > limit:
      let reason = "The process ended \(crashes) times in a row under the job without any progress of it, so it is not tried again."
      try move(id, to: .failed, reason: reason, change)
    default:
      try move(id, to: .queued, reason: "The process ended while the job was running; it goes on from its last saved state.", change)
    }
  }

  // MARK: Within a transaction

  static func move(_ id: String, to state: JobState, reason: String?, _ change: Change) throws {
    let db = change.db
    guard let text = try String.fetchOne(db, sql: "SELECT state FROM jobs WHERE id = ?", arguments: [id]) else { throw NotFound(id) }
    guard let present = JobState(rawValue: text) else { throw Damaged(id) }
    guard present.successors.contains(state) else { throw IllegalTransition(job: id, state: present, wanted: state) }
    try change.touch(id)
    try db.execute(
      sql: """
        UPDATE jobs SET state = ?, reason = ?, attempt = attempt + CASE WHEN ? AND started_at IS NOT NULL THEN 1 ELSE 0 END,
          started_at = CASE WHEN ? THEN coalesce(started_at, ?) ELSE started_at END,
          finished_at = CASE WHEN ? THEN ? ELSE finished_at END
        WHERE id = ?
        """,
      arguments: [
        state.rawValue, reason, state == .queued, state == .running, change.now.milliseconds, state.isTerminal,
        change.now.milliseconds, id,
      ])
    try record(state, of: id, reason: reason, change)
    guard state.isTerminal else { return }
    try change.append(.end, to: id, ["state": .string(state.rawValue), "reason": .orNull(reason)])
    try tellWebhooks(of: .verdict, id, change)
    if state != .succeeded { try cancelFollowers(of: id, state, change) }
  }

  /// The most transitions that are kept of a job: the first twenty, and then the latest.
  package static let mostTransitions = 200

  static func record(_ state: JobState, of id: String, reason: String?, _ change: Change) throws {
    let db = change.db
    let last = try Int.fetchOne(db, sql: "SELECT max(number) FROM transitions WHERE job = ?", arguments: [id]) ?? 0
    try db.execute(
      sql: "INSERT INTO transitions (job, number, state, at, reason) VALUES (?, ?, ?, ?, ?)",
      arguments: [id, last + 1, state.rawValue, change.now.milliseconds, reason])
    if last >= mostTransitions {
      try db.execute(
        sql: "DELETE FROM transitions WHERE job = ? AND number > 20 AND number <= ?", arguments: [id, last + 1 - mostTransitions + 20])
    }
    let attempt = try Int.fetchOne(db, sql: "SELECT attempt FROM jobs WHERE id = ?", arguments: [id])
    try change.append(.state, to: id, ["state": .string(state.rawValue), "attempt": .orNull(attempt), "reason": .orNull(reason)])
    try tellWebhooks(of: .state, id, change)
  }
}
