import JSON
import Foundation
import GRDB
import Robustness

extension Store {
  /// The events of a job after a number, at most `limit` of them.
  ///
  /// - Throws: `NotFound`.
  package func events(of id: String, after number: Int = 0, limit: Int = 200) throws -> Page<JobEvent> {
    try pool.read { db in try Self.events(of: id, after: number, limit: limit, db) }
  }

  /// The events of a job after a number, those that are there and then each as it comes; the stream ends after `end`, when the job
  /// is deleted, or when nobody reads it any more. None is lost and none doubled: all are read from the table, by their number.
  ///
  /// - Throws: `NotFound`.
  package func liveEvents(of id: String, after number: Int = 0) throws -> AsyncThrowingStream<JobEvent, any Error> {
    _ = try job(id)
    // Asked for before the first read, so that nothing falls between reading and listening.
    let feed = EventFeed(job: id, after: number, pool: pool, calls: changes.calls(of: id))
    return AsyncThrowingStream { try await feed.next() }
  }

  /// Waits until a job's revision differs from `revision`, for at most `seconds`; no thread is held meanwhile.
  ///
  /// - Returns: the job as it then is.
  /// - Throws: `NotFound`.
  package func job(_ id: String, differingFrom revision: Int, within seconds: Double) async throws -> Job {
    let calls = changes.calls(of: id)
    let first = try await pool.read { db in try Self.job(id, db) }
    guard first.revision == revision, seconds > 0 else { return first }
    let pool = pool
    return try await withThrowingTaskGroup(of: Job?.self) { group in
      group.addTask {
        for await _ in calls {
          let job = try await pool.read { db in try Self.job(id, db) }
          if job.revision != revision { return job }
        }
        return nil
      }
      group.addTask {
        try? await Task.sleep(for: .seconds(seconds))
        return nil
      }
      let changed = try await group.next() ?? nil
      group.cancelAll()
      if let changed { return changed }
      return try await pool.read { db in try Self.job(id, db) }
    }
  }

  fileprivate static func events(of id: String, after number: Int, limit: Int, _ db: Database) throws -> Page<JobEvent> {
    guard try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM jobs WHERE id = ?)", arguments: [id]) == true else { throw NotFound(id) }
    let rows = try Row.fetchAll(
      db, sql: "SELECT * FROM events WHERE job = ? AND number > ? ORDER BY number LIMIT ?", arguments: [id, number, limit + 1])
    return Page(elements: try rows.prefix(limit).map(JobEvent.init), hasMore: rows.count > limit)
  }

  // MARK: Reports of a run

  /// Writes where a job stands; with `event` also for those who follow its events.
  package func note(_ progress: JobProgress, of id: String, event: Bool, at now: Timestamp = .now) throws {
    try update(id) { db in
      try db.execute(sql: "UPDATE jobs SET progress = ? WHERE id = ?", arguments: [progress.json.serialised(), id])
      if event { try Self.append(.progress, to: id, progress.json, at: now, db) }
    }
  }

  /// Notes a warning, once.
  package func note(_ warning: Warning, of id: String, at now: Timestamp = .now) throws {
    try update(id) { db in
      var warnings = try Self.job(id, db).warnings
      guard !warnings.contains(warning) else { return }
      warnings.append(warning)
      try db.execute(sql: "UPDATE jobs SET warnings = ? WHERE id = ?", arguments: [JSONValue(encoding: warnings).serialised(), id])
      try Self.append(.warning, to: id, warning.json, at: now, db)
    }
  }

  /// Changes a job that has not ended, and says so; nothing of a job that has ended changes any more.
  func update(_ id: String, _ body: @Sendable (Database) throws -> Void) throws {
    let changed = try pool.write { db -> Bool in
      let present = try String.fetchOne(db, sql: "SELECT state FROM jobs WHERE id = ?", arguments: [id])
      guard let present, try !Self.state(present).isTerminal else { return false }
      try body(db)
      try db.execute(sql: "UPDATE jobs SET revision = revision + 1 WHERE id = ?", arguments: [id])
      return true
    }
    if changed { changes.announce(id) }
  }
}

/// Where one follower of a job's events stands.
///
/// `@unchecked Sendable`: its state is touched by `next()` alone, which an async sequence's iterator calls one at a time.
private final class EventFeed: @unchecked Sendable {
  private let job: String
  private let pool: DatabasePool
  private var number: Int
  private var buffer: ArraySlice<JobEvent> = []
  private var hasEnded = false
  private var calls: AsyncStream<Void>.Iterator

  init(job: String, after number: Int, pool: DatabasePool, calls: AsyncStream<Void>) {
    self.job = job
    self.number = number
    self.pool = pool
    self.calls = calls.makeAsyncIterator()
  }

  /// The next event, waiting for it; `nil` after the last one.
  func next() async throws -> JobEvent? {
    while true {
      if let event = try await present() { return event }
      if hasEnded || Task.isCancelled { return nil }
      guard await calls.next(isolation: nil) != nil else { return nil }
    }
  }

  /// The next event that is there; `nil` when there is none yet.
  private func present() async throws -> JobEvent? {
    if hasEnded { return nil }
    if buffer.isEmpty { try await refill() }
    guard let event = buffer.popFirst() else { return nil }
    number = event.number
    if event.kind == .end { hasEnded = true }
    return event
  }

  private func refill() async throws {
    let (job, number) = (job, number)
    do {
      let page = try await pool.read { db in try Store.events(of: job, after: number, limit: 200, db) }
      buffer = page.elements[...]
      if buffer.isEmpty, try await isOver() { hasEnded = true }
    } catch is NotFound {
      hasEnded = true
    }
  }

  /// A follower that asks for what comes after the last event of a job that has ended would wait for ever.
  private func isOver() async throws -> Bool {
    let (job, number) = (job, number)
    return try await pool.read { db in
      let end = try Int.fetchOne(db, sql: "SELECT number FROM events WHERE job = ? AND kind = 'end'", arguments: [job])
      return end.map { $0 <= number } ?? false
    }
  }
}

extension JobEvent {
  fileprivate init(_ row: Row) throws {
    let kind: String = row["kind"]
    guard let known = Kind(rawValue: kind) else { throw NotFound("event \(kind)") }
    self.init(
      job: row["job"], number: row["number"], kind: known, at: Timestamp(milliseconds: row["at"]), data: try JSONValue(stored: row["data"]))
  }
}
