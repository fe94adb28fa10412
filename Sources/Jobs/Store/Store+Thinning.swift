import GRDB
import JSON

/// Histories with an end: of a job with very many epochs every second row of the older half goes, again and again. The latest stay whole,
/// and the first stays.
extension Store {
  /// The most rows that a job's history may have: of metrics, of the events of metrics, and of those of checkpoints.
  package static let mostHistory = 4_000

  static func thinMetrics(of id: String, _ db: Database) throws {
    let surplus = try surplus("SELECT epoch AS place FROM metrics WHERE job = ?", of: id, db)
    for epoch in surplus { try db.execute(sql: "DELETE FROM metrics WHERE job = ? AND epoch = ?", arguments: [id, epoch]) }
  }

  /// In the place of the last event that goes comes one that says so, for a follower that goes on from an earlier one.
  static func thinEvents(_ kind: JobEvent.Kind, of id: String, _ change: Change) throws {
    let db = change.db
    let surplus = try surplus("SELECT number AS place FROM events WHERE job = ? AND kind = '\(kind.rawValue)'", of: id, db)
    guard let last = surplus.last else { return }
    for number in surplus { try db.execute(sql: "DELETE FROM events WHERE job = ? AND number = ?", arguments: [id, number]) }
    var (place, count) = (last, surplus.count)
    for row in try Row.fetchAll(db, sql: "SELECT number, data FROM events WHERE job = ? AND kind = 'thinned'", arguments: [id]) {
      place = max(place, row["number"])
      count += Int((try? JSONValue(parsing: row["data"] as String))?["removed"]?.double ?? 0)
    }
    try db.execute(sql: "DELETE FROM events WHERE job = ? AND kind = 'thinned'", arguments: [id])
    try db.execute(
      sql: "INSERT INTO events (job, number, kind, at, data) VALUES (?, ?, 'thinned', ?, ?)",
      arguments: [id, place, change.now.milliseconds, (["removed": .int(Int64(count))] as JSONValue).serialised()])
  }

  /// The places of the rows that have to go, in order; mostly none.
  ///
  /// - Parameter query: of the places of all rows, as `place`.
  private static func surplus(_ query: String, of id: String, _ db: Database) throws -> [Int] {
    let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM (\(query))", arguments: [id]) ?? 0
    guard count > mostHistory else { return [] }
    let places = try Int.fetchAll(db, sql: "\(query) ORDER BY place LIMIT \(count / 2)", arguments: [id])
    return places.enumerated().filter { !$0.offset.isMultiple(of: 2) }.map(\.element)
  }
}
