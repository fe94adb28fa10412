import Foundation
import GRDB
import JSON
import Robustness

/// Which job is the next.
extension Store {
  /// Whether an admin has paused the whole service, and what becomes of the jobs that run.
  package enum Pause: String, CaseIterable, Hashable, Sendable {
    /// They save their state and go back to the queue.
    case stop
    /// They go on to their ends.
    case finish
  }

  /// The name of the setting.
  static let pauseSetting = "pause"

  /// The pause as it is stored; it outlives the process.
  package func pause() throws -> Pause? { try database.read(Self.pause) }

  static func pause(_ db: Database) throws -> Pause? {
    try String.fetchOne(db, sql: "SELECT value FROM settings WHERE name = ?", arguments: [pauseSetting]).flatMap(Pause.init)
  }

  /// Pauses or resumes the whole service: none of its jobs begins while it is paused.
  func set(_ pause: Pause?) throws {
    try change { change in
      try change.db.execute(sql: "DELETE FROM settings WHERE name = ?", arguments: [Self.pauseSetting])
      guard let pause else { return }
      try change.db.execute(sql: "INSERT INTO settings (name, value) VALUES (?, ?)", arguments: [Self.pauseSetting, pause.rawValue])
    }
  }

  /// Who of those that wait begins when.
  ///
  /// - Parameters:
  ///   - budget: see `claim`.
  ///   - workers: how many jobs may run at a time.
  func forecast(within budget: Int?, workers: Int) throws -> QueueForecast {
    let (changes, now) = (board.changes, ContinuousClock.now)
    if let known = knownForecast.withLock({ $0 }), known.changes == changes, now - known.at < .seconds(1) { return known.forecast }
    var found = try database.read { db in try self.queue(within: budget, db, speed: Self.speed(db)) }
    found.running = found.running.map { job in
      let seconds = board.progress(of: job.id)?.etaSeconds
      return JobQueue.Running(id: job.id, owner: job.owner, bytes: job.bytes, seconds: seconds)
    }
    let forecast = QueueForecast(found, workers: workers)
    knownForecast.withLock { $0 = KnownForecast(changes: changes, at: now, forecast: forecast) }
    return forecast
  }

  /// What was last said of all queued jobs; made anew after a change, and as the running ones advance.
  struct KnownForecast: Sendable {
    let changes: Int
    let at: ContinuousClock.Instant
    let forecast: QueueForecast
  }

  // MARK: Within a transaction

  /// - Parameter speed: millions of operations in a second, to tell how long jobs run; `nil` where nobody asks.
  func queue(within budget: Int?, _ db: Database, speed: Double? = nil) throws -> JobQueue {
    let waiting = try Self.waiting(db, speed: speed)
    let running = try Row.fetchAll(
      db, sql: "SELECT id, owner, peak_bytes FROM jobs WHERE state IN ('running', 'pausing', 'cancelling')"
    ).map { JobQueue.Running(id: $0["id"], owner: $0["owner"], bytes: $0["peak_bytes"]) }
    let turns = try Row.fetchAll(db, sql: "SELECT owner, number FROM turns").map { ($0["owner"] as String, $0["number"] as Int) }
    let most = Set(waiting.map(\.owner)).compactMap { owner in quotas.limits(of: owner).runningJobs.map { (owner, $0) } }
    return JobQueue(
      waiting: waiting, running: running, turns: Dictionary(turns) { first, _ in first }, memoryBudget: budget,
      mostRunning: Dictionary(most) { first, _ in first }, isPaused: try Self.pause(db) != nil)
  }

  /// By the numbers of the columns: there may be thousands of rows, and GRDB looks for a name among all names.
  private static func waiting(_ db: Database, speed: Double?) throws -> [JobQueue.Waiting] {
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT id, owner, priority, position, peak_bytes, work,
          CASE WHEN (SELECT state FROM jobs AS before WHERE before.id = jobs.follows) = 'succeeded' THEN NULL ELSE follows END
        FROM jobs WHERE state = 'queued'
        """)
    var waiting: [JobQueue.Waiting] = []
    while let row = try rows.next() {
      let work: Int = row[5]
      waiting.append(
        JobQueue.Waiting(
          id: row[0], owner: row[1], priority: row[2], position: row[3], bytes: row[4],
          seconds: work > 0 ? speed.map { Double(work) / $0 } : nil, follows: row[6]))
    }
    return waiting
  }

  /// Millions of operations in a second, by the jobs that ended last; `nil` before any has.
  private static func speed(_ db: Database) throws -> Double? {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT work, ran_ms FROM jobs WHERE state = 'succeeded' AND work > 0 AND ran_ms > 0 ORDER BY position DESC LIMIT 20
        """)
    let (work, milliseconds) = rows.reduce((0.0, 0.0)) { ($0.0 + Double($1["work"] as Int), $0.1 + Double($1["ran_ms"] as Int)) }
    return milliseconds > 0 ? work / milliseconds * 1_000 : nil
  }

  /// Notes that a job of an owner begins.
  static func noteTurn(of owner: String, _ db: Database) throws {
    try db.execute(
      sql: """
        INSERT INTO turns (owner, number) VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM turns))
        ON CONFLICT (owner) DO UPDATE SET number = excluded.number
        """, arguments: [owner])
  }

  /// Cancels the jobs that were to follow one that did not succeed, and those that were to follow them.
  static func cancelFollowers(of id: String, _ state: JobState, _ change: Change) throws {
    let followers = try String.fetchAll(
      change.db, sql: "SELECT id FROM jobs WHERE follows = ? AND state IN ('queued', 'paused') ORDER BY position", arguments: [id])
    let end = state == .failed ? "failed" : "was cancelled"
    for follower in followers { try move(follower, to: .cancelled, reason: "\(id), which it was to follow, \(end).", change) }
  }

  /// A job that is to come first must be there, and may not have ended in vain: checked in the transaction that creates the one behind it.
  static func faults(following before: String?, _ db: Database) throws -> [FieldFault] {
    guard let before else { return [] }
    let state = try String.fetchOne(db, sql: "SELECT state FROM jobs WHERE id = ?", arguments: [before]).flatMap(JobState.init)
    return JobSpec.fault(following: before, in: state).map { [$0] } ?? []
  }
}

extension JobSpec {
  /// What is wrong with following a job.
  ///
  /// - Parameter state: of that job; `nil` when there is none that the owner sees.
  static func fault(following before: String, in state: JobState?) -> FieldFault? {
    switch state {
    case nil: FieldFault("/after", .notFound, "there is no job \(before.prefix(100)) (any more)")
    case .failed, .cancelled:
      FieldFault("/after", .conflict, "\(before) \(state == .failed ? "has failed" : "was cancelled"), so that nothing can follow it")
    default: nil
    }
  }
}
