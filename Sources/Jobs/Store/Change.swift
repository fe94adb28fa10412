import GRDB
import JSON

/// One write transaction: what it changes, and what is told of it after its commit.
///
/// Used by the thread that writes alone, until the transaction is over.
final class Change {
  let db: Database
  let now: Timestamp
  private let board: JobBoard
  private(set) var events: [JobEvent] = []
  private(set) var deleted: Set<String> = []
  /// The jobs that it changes, with the numbers of their events.
  private(set) var numbers: [String: EventNumbers] = [:]

  init(_ db: Database, _ board: JobBoard, at now: Timestamp) {
    self.db = db
    self.board = board
    self.now = now
  }

  /// Says that a job's record changes; to be called before each change of one, and before its events.
  func touch(_ id: String) throws {
    let lent = board.lend(id)
    if numbers[id] == nil {
      let row = try Row.fetchOne(db, sql: "SELECT events_reserved, revision FROM jobs WHERE id = ?", arguments: [id])
      _ = try row?.count("revision", of: id)
      numbers[id] = try lent?.numbers ?? EventNumbers(after: row?.count("events_reserved", of: id) ?? 0)
    }
    try db.execute(sql: "UPDATE jobs SET revision = max(revision, ?) + 1 WHERE id = ?", arguments: [lent?.revision ?? 0, id])
  }

  /// Writes an event of a job that was touched.
  func append(_ kind: JobEvent.Kind, to id: String, _ data: JSONValue) throws {
    guard var own = numbers[id] else { throw NotFound("changed job \(id)") }
    if own.isUsedUp {
      own.reserved = own.nextBlock
      try db.execute(sql: "UPDATE jobs SET events_reserved = ? WHERE id = ?", arguments: [own.reserved, id])
    }
    let event = JobEvent(job: id, number: own.take(), kind: kind, at: now, data: data)
    numbers[id] = own
    try db.execute(
      sql: "INSERT INTO events (job, number, kind, at, data) VALUES (?, ?, ?, ?, ?)",
      arguments: [id, event.number, kind.rawValue, now.milliseconds, data.serialised()])
    events.append(event)
  }

  func delete(_ id: String) {
    deleted.insert(id)
    numbers[id] = nil
  }
}
