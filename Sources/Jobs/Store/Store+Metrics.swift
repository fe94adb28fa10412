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
    let points = try pool.read { db in
      _ = try Self.job(id, db)
      let texts = try String.fetchAll(db, sql: "SELECT metrics FROM metrics WHERE job = ? ORDER BY epoch", arguments: [id])
      return try texts.map { MetricsPoint(try JSONValue(stored: $0).decoded(as: TrainingMetrics.self)) }
    }
    let table = MetricsTable(points)
    return maxPoints.map(table.thinned) ?? table
  }

  /// Adds an epoch to the history. An attempt that goes over an epoch again finds it there: the same figures make no second event.
  package func note(_ metrics: TrainingMetrics, of id: String, at now: Timestamp = .now) throws {
    let text = try JSONValue(encoding: metrics).serialised()
    try update(id) { db in
      let known = try String.fetchOne(
        db, sql: "SELECT metrics FROM metrics WHERE job = ? AND epoch = ?", arguments: [id, metrics.epoch])
      guard known != text else { return }
      try db.execute(
        sql: "INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [id, metrics.epoch, metrics.step, metrics.phase.rawValue, now.milliseconds, text])
      let point = MetricsPoint(metrics)
      let latest = try Self.job(id, db).metrics.merging(point.values) { $1 }
      try db.execute(sql: "UPDATE jobs SET metrics = ? WHERE id = ?", arguments: [JSONValue(encoding: latest).serialised(), id])
      try Self.append(.metric, to: id, point.json, at: now, db)
    }
  }
}
