import GRDB
import JSON

/// One write transaction: what it changes, and what is told of it after its commit.
///
/// Used by the thread that writes alone, until the transaction is over.
final class Change {
  let db: Database
  let now: Timestamp
  private let board: JobBoard
  let quotas: Quotas
  /// Verdicts of schedules that turned.
  var turns: [VerdictTurn] = []
  private(set) var events: [JobEvent] = []
  private(set) var deleted: Set<String> = []
  /// The jobs that it changes, with the numbers of their events.
  private(set) var numbers: [String: EventNumbers] = [:]
  /// The jobs that the board has lent, to be given back when the transaction fails.
  private(set) var lent: Set<String> = []

  init(_ db: Database, _ board: JobBoard, _ quotas: Quotas, at now: Timestamp) {
    self.db = db
    self.board = board
    self.quotas = quotas
    self.now = now
  }

  /// Says that a job's record changes; to be called before each change of one, and before its events.
  func touch(_ id: String) throws {
    let lent = lend(id)
    if numbers[id] == nil {
      let row = try Row.fetchOne(db, sql: "SELECT revision FROM jobs WHERE id = ?", arguments: [id])
      _ = try row?.count("revision", of: id)
      numbers[id] = try lent?.numbers ?? EventNumbers(after: EventNumbers.reserved(of: id, db))
    }
    try db.execute(sql: "UPDATE jobs SET revision = max(revision, ?) + 1 WHERE id = ?", arguments: [lent?.revision ?? 0, id])
  }

  /// Reserves numbers for the events of a job in memory that are not stored: none may come again after a crash.
  func reserveNumbers(of id: String) throws {
    guard let own = lend(id)?.numbers else { return }
    numbers[id] = try withNextBlock(own, of: id)
  }

  private func lend(_ id: String) -> JobBoard.Lent? {
    lent.insert(id)
    return board.lend(id)
  }

  private func withNextBlock(_ numbers: EventNumbers, of id: String) throws -> EventNumbers {
    var numbers = numbers
    numbers.reserved = numbers.nextBlock
    try db.execute(sql: "UPDATE jobs SET events_reserved = ? WHERE id = ?", arguments: [numbers.reserved, id])
    return numbers
  }

  /// Writes an event of a job that was touched.
  func append(_ kind: JobEvent.Kind, to id: String, _ data: JSONValue) throws {
    guard var own = numbers[id] else { throw NotFound("changed job \(id)") }
    if own.isUsedUp { own = try withNextBlock(own, of: id) }
    let event = JobEvent(job: id, number: own.take(), kind: kind, at: now, data: data)
    numbers[id] = own
    try db.execute(
      sql: "INSERT INTO events (job, number, kind, at, data) VALUES (?, ?, ?, ?, ?)",
      arguments: [id, event.number, kind.rawValue, now.milliseconds, data.serialised()])
    try db.execute(
      sql: """
        INSERT INTO event_order (position, job, number)
        VALUES (max((SELECT coalesce(max(position), 0) + 1 FROM event_order), ? * 4096), ?, ?)
        """, arguments: [now.milliseconds, id, event.number])
    events.append(event)
  }

  func delete(_ id: String) {
    deleted.insert(id)
    numbers[id] = nil
  }
}
