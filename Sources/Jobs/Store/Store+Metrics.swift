import JSON
import Foundation
import GRDB
import Robustness
import Training

/// What was measured in one epoch, as the history has it.
package struct MetricsPoint: Hashable, Sendable {
  package let epoch: Int
  package let step: Int
  package let phase: TrainingPhase
  package let values: [String: Double]

  package init(_ metrics: TrainingMetrics) {
    epoch = metrics.epoch
    step = metrics.step
    phase = metrics.phase
    values = Dictionary(metrics.named.map { ($0.name, $0.value) }) { first, _ in first }
  }

  package var json: JSONValue {
    var measured = JSONObject()
    for (name, value) in values.sorted(by: { $0.key < $1.key }) { measured[name] = .number(value) }
    return ["epoch": .int(Int64(epoch)), "step": .int(Int64(step)), "phase": .string(phase.rawValue), "values": .object(measured)]
  }
}

/// The history of a job's metrics as comma-separated values (RFC 4180): a row for each epoch, a column for each figure.
package struct MetricsTable: Sendable {
  package let points: [MetricsPoint]

  package init(_ points: [MetricsPoint]) { self.points = points }

  package var csv: String {
    let names = Set(points.flatMap(\.values.keys)).sorted()
    let rows = points.map { point in
      [String(point.epoch), String(point.step), point.phase.rawValue] + names.map { point.values[$0].map(Self.cell) ?? "" }
    }
    return ([["epoch", "step", "phase"] + names] + rows).map { $0.joined(separator: ",") + "\r\n" }.joined()
  }

  private static func cell(_ value: Double) -> String {
    value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : value.description
  }

  /// At most `count` of the points, evenly spaced; the first and the last are among them.
  package func thinned(to count: Int) -> MetricsTable {
    guard count > 0, points.count > count else { return self }
    guard count > 1 else { return MetricsTable(Array(points.suffix(1))) }
    return MetricsTable((0..<count).map { points[($0 * (points.count - 1) + (count - 1) / 2) / (count - 1)] })
  }
}

extension Store {
  /// The history by epoch.
  ///
  /// - Throws: `NotFound`.
  package func metrics(of id: String, maxPoints: Int? = nil) throws -> MetricsTable {
    let points = try database.read { db in
      _ = try Self.job(id, db)
      let texts = try String.fetchAll(db, sql: "SELECT metrics FROM metrics WHERE job = ? ORDER BY epoch", arguments: [id])
      return texts.compactMap { text in
        (try? JSONValue(parsing: text).decoded(as: TrainingMetrics.self)).map { MetricsPoint($0) }
      }
    }
    let table = MetricsTable(points)
    return maxPoints.map(table.thinned) ?? table
  }

  /// Adds an epoch to the history. An attempt that goes over an epoch again finds it there: the same figures make no second event.
  package func note(_ metrics: TrainingMetrics, of id: String, at now: Timestamp = .now) throws {
    let text = try JSONValue(encoding: metrics).serialised()
    let progress = board.progress(of: id)
    try update(id, at: now) { job, change in
      let db = change.db
      let known = try String.fetchOne(
        db, sql: "SELECT metrics FROM metrics WHERE job = ? AND epoch = ?", arguments: [id, metrics.epoch])
      guard known != text else { return }
      try change.touch(id)
      try db.execute(
        sql: "INSERT OR REPLACE INTO metrics (job, epoch, step, phase, at, metrics) VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [id, metrics.epoch, metrics.step, metrics.phase.rawValue, now.milliseconds, text])
      let point = MetricsPoint(metrics)
      let latest = JSONValue.object(
        job.metrics.merging(point.values) { $1 }.sorted { $0.key < $1.key }.reduce(into: JSONObject()) { $0[$1.key] = .number($1.value) })
      try db.execute(
        sql: "UPDATE jobs SET metrics = ?, progress = coalesce(?, progress) WHERE id = ?",
        arguments: [latest.serialised(), progress?.json.serialised(), id])
      try change.append(.metric, to: id, point.json)
      try Self.thin(.metrics, of: id, db)
      try Self.thinEvents(of: id, db)
    }
  }

  // MARK: Histories with an end

  /// The most rows that a job's history may have; a week of short epochs makes more.
  package static let mostHistory = 4_000

  private enum History: String {
    case metrics = "metrics WHERE job = ?"
    case events = "events WHERE job = ? AND kind IN ('metric', 'checkpoint')"

    var table: String { self == .metrics ? "metrics" : "events" }
    var key: String { self == .metrics ? "epoch" : "number" }
  }

  /// Takes away every second row of the older half when there are too many: the latest stay whole, the first stays.
  private static func thin(_ history: History, of id: String, _ db: Database) throws {
    let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM \(history.rawValue)", arguments: [id]) ?? 0
    guard count > mostHistory else { return }
    try db.execute(
      sql: """
        DELETE FROM \(history.table) WHERE job = ? AND \(history.key) IN (
          SELECT \(history.key) FROM (SELECT \(history.key), row_number() OVER (ORDER BY \(history.key)) AS place FROM \(history.rawValue))
          WHERE place % 2 = 0 AND place <= ?)
        """, arguments: [id, id, count / 2])
  }

  static func thinEvents(of id: String, _ db: Database) throws { try thin(.events, of: id, db) }
}
