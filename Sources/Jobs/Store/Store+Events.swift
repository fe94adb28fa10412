import Foundation
import GRDB
import JSON
import Robustness

extension Store {
  /// The events of a job after a number that the store keeps, at most `limit` of them. One whose row cannot be understood is left out, as a
  /// follower of all the others must not stop at it.
  ///
  /// - Parameter end: only those below it.
  /// - Throws: `NotFound`.
  package func events(of id: String, after number: Int = 0, before end: Int = .max, limit: Int = 200) throws -> Page<JobEvent> {
    try database.read { db in
      guard try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM jobs WHERE id = ?)", arguments: [id]) == true else {
        throw NotFound(id)
      }
      let rows = try Row.fetchCursor(
        db, sql: "SELECT * FROM events WHERE job = ? AND number > ? AND number < ? ORDER BY number", arguments: [id, number, end])
      var events: [JobEvent] = []
      while events.count <= limit, let row = try rows.next() {
        if let event = try? JobEvent(row) { events.append(event) }
      }
      return Page(elements: Array(events.prefix(limit)), hasMore: events.count > limit)
    }
  }

  /// All events of a job that are kept.
  ///
  /// - Throws: `NotFound`.
  package func allEvents(of id: String) throws -> [JobEvent] { try events(of: id, limit: .max - 1).elements }

  /// The events of a job after a number, those that are there and then each as it comes; the stream ends after `end`, or when the job
  /// is deleted.
  ///
  /// - Throws: `NotFound`.
  package func feed(of id: String, after number: Int = 0) throws -> EventFeed {
    _ = try snapshot(of: id)
    // A client may make a number up: behind the last event it goes on from the last.
    return EventFeed(self, job: id, after: min(max(number, 0), board.lastEvent(of: id) ?? number))
  }

  /// Waits until a job's revision differs from `revision`, for at most `seconds`; no thread and no connection is held meanwhile.
  ///
  /// - Returns: the job as it then is.
  /// - Throws: `NotFound`.
  package func snapshot(of id: String, differingFrom revision: Int, within seconds: Double) async throws -> JobSnapshot {
    let end = ContinuousClock.now + .seconds(seconds)
    while true {
      let snapshot = try self.snapshot(of: id)
      let left = (end - .now) / .seconds(1)
      guard snapshot.job.revision == revision, left > 0, !board.isEnding, !Task.isCancelled else { return snapshot }
      await board.wait(for: id, revision: revision, atMost: left)
    }
  }

  // MARK: Reports of a run

  /// Shows where a job stands, to those who poll and to those who follow its events. It is in memory only.
  package func show(_ progress: JobProgress, of id: String) {
    if board.note(progress, of: id, isEvent: true) { return }
    // Without room for the reservation it is shown to those who poll, and the next event is tried again.
    let isReserved = (try? reserveNumbers(of: id)) != nil
    _ = board.note(progress, of: id, isEvent: isReserved)
  }

  /// Progress is not stored, but its numbers are reserved: none may come again after a crash.
  private func reserveNumbers(of id: String) throws {
    try change { change in try change.reserveNumbers(of: id) }
  }

  /// Notes a warning, once.
  package func note(_ warning: Warning, of id: String, at now: Timestamp = .now) throws {
    try update(id, at: now) { job, change in try Self.keep(warnings: [warning], of: job, change) }
  }

  /// Shows a warning that need not outlive the process, or that there is no room for; it is stored when the attempt ends.
  package func show(_ warning: Warning, of id: String) { board.note(unstored: warning, of: id) }

  /// - Parameter job: as the store has it in this transaction.
  static func keep(warnings fresh: [Warning], of job: Job, _ change: Change) throws {
    let new = fresh.filter { !job.warnings.contains($0) }
    guard !new.isEmpty else { return }
    try change.touch(job.id)
    let all = JSONValue.array((job.warnings + new).map(\.stored))
    try change.db.execute(sql: "UPDATE jobs SET warnings = ? WHERE id = ?", arguments: [all.serialised(), job.id])
    for warning in new { try change.append(.warning, to: job.id, warning.json) }
  }

  /// Changes a job that has not ended, and says so; nothing of a job that has ended changes any more.
  func update(_ id: String, at now: Timestamp, _ body: (Job, Change) throws -> Void) throws {
    try change(at: now) { change in
      let job: Job
      do { job = try Self.job(id, change.db) } catch is NotFound { return }
      guard !job.state.isTerminal else { return }
      try body(job, change)
    }
  }
}

extension Warning {
  /// As the store has it: with what a verdict needs of it.
  fileprivate var stored: JSONValue {
    ["code": .string(code), "detail": .string(detail), "discredits": .bool(discredits), "attack": .orNull(attack)]
  }

  /// The inverse of `stored`.
  init?(_ json: JSONValue) {
    guard let code = json["code"]?.string, let detail = json["detail"]?.string else { return nil }
    self.init(code: code, detail: detail, discredits: json["discredits"] == .bool(true), attack: json["attack"]?.string)
  }
}

extension JobEvent {
  init(_ row: Row) throws {
    let job: String = row["job"]
    guard let kind = Kind(rawValue: row["kind"]), let data = try? JSONValue(parsing: row["data"] as String) else { throw Damaged(job) }
    self.init(job: job, number: try row.count("number", of: job), kind: kind, at: Timestamp(milliseconds: row["at"]), data: data)
  }
}
