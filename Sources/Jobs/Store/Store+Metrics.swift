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
  /// How many epochs between the first and the last are no longer kept.
  package let missing: Int

  package init(_ points: [MetricsPoint], missing: Int = 0) {
    self.points = points
    self.missing = missing
  }

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
    guard count > 1 else { return MetricsTable(Array(points.suffix(1)), missing: missing) }
    return MetricsTable(
      (0..<count).map { points[($0 * (points.count - 1) + (count - 1) / 2) / (count - 1)] }, missing: missing)
  }
}

extension Store {
  /// The history by epoch; see `mostHistory`.
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
    let epochs = points.last.flatMap { last in points.first.map { last.epoch - $0.epoch + 1 } } ?? 0
    let table = MetricsTable(points, missing: max(0, epochs - points.count))
    return maxPoints.map(table.thinned) ?? table
  }

  /// Empties the history of a job whose training begins again.
  package func forgetMetrics(of id: String, at now: Timestamp = .now) throws {
    try update(id, at: now) { _, change in
      try change.touch(id)
      try change.db.execute(sql: "DELETE FROM metrics WHERE job = ?", arguments: [id])
      try change.db.execute(sql: "UPDATE jobs SET metrics = '{}' WHERE id = ?", arguments: [id])
    }
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
      try Self.thinMetrics(of: id, db)
      try Self.thinEvents(.metric, of: id, change)
    }
  }
}
