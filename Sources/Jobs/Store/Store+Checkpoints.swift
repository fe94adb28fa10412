import JSON
import Foundation
import GRDB
import Robustness
import Training

/// A checkpoint as the store has it. A job has one of each role; its id stays when a better one takes its place.
package struct CheckpointRecord: Hashable, Sendable {
  package let id: String
  package let job: String
  package let checkpoint: Checkpoint
  package let createdAt: Timestamp

  package var json: JSONValue {
    var measured = JSONObject()
    for (name, value) in MetricsPoint(checkpoint.metrics).values.sorted(by: { $0.key < $1.key }) { measured[name] = .number(value) }
    return [
      "id": .string(id), "object": "checkpoint", "job": .string(job), "role": .string(checkpoint.role.rawValue),
      "epoch": .int(Int64(checkpoint.epoch)), "metrics": .object(measured), "bytes": .int(Int64(checkpoint.bytes)),
      "sha256": .string(checkpoint.sha256), "formats": ["safetensors"], "created_at": .string(createdAt.description),
    ]
  }
}

extension Store {
  /// In the order in which the roles are listed in `CheckpointRole`.
  ///
  /// - Throws: `NotFound`.
  package func checkpoints(of job: String) throws -> [CheckpointRecord] {
    let records = try pool.read { db in
      _ = try Self.job(job, db)
      return try Row.fetchAll(db, sql: "SELECT * FROM checkpoints WHERE job = ?", arguments: [job]).map(CheckpointRecord.init)
    }
    return CheckpointRole.allCases.compactMap { role in records.first { $0.checkpoint.role == role } }
  }

  /// A checkpoint of a job by its id or its role.
  ///
  /// - Throws: `NotFound`.
  package func checkpoint(_ name: String, of job: String) throws -> CheckpointRecord {
    guard let record = try checkpoints(of: job).first(where: { $0.id == name || $0.checkpoint.role.rawValue == name }) else {
      throw NotFound("checkpoint \(name)")
    }
    return record
  }

  /// - Throws: `NotFound`.
  package func checkpoint(_ id: String) throws -> CheckpointRecord {
    try pool.read { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT * FROM checkpoints WHERE id = ?", arguments: [id]) else { throw NotFound(id) }
      return try CheckpointRecord(row)
    }
  }

  /// The file of a checkpoint.
  package func file(of record: CheckpointRecord) -> URL { record.checkpoint.url(in: directory.job(record.job)) }

  /// Notes a checkpoint whose file is in its place.
  package func note(_ checkpoint: Checkpoint, of job: String, at now: Timestamp = .now) throws {
    let fresh = Identifier.checkpoint.make(at: now)
    let text = try JSONValue(encoding: checkpoint).serialised()
    try update(job) { db in
      let known = try Row.fetchOne(
        db, sql: "SELECT * FROM checkpoints WHERE job = ? AND role = ?", arguments: [job, checkpoint.role.rawValue]
      ).map(CheckpointRecord.init)
      guard known?.checkpoint != checkpoint else { return }
      let record = CheckpointRecord(id: known?.id ?? fresh, job: job, checkpoint: checkpoint, createdAt: now)
      try db.execute(
        sql: "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?)",
        arguments: [record.id, job, checkpoint.role.rawValue, text, now.milliseconds])
      try Self.append(.checkpoint, to: job, record.json, at: now, db)
    }
  }

  /// The report of a job; `nil` as long as it has none.
  ///
  /// - Throws: `NotFound`.
  package func report(of id: String) throws -> Report? {
    guard try job(id).state == .succeeded else { return nil }
    return try Report(json: Data(contentsOf: directory.report(of: id)))
  }
}

extension CheckpointRecord {
  fileprivate init(_ row: Row) throws {
    id = row["id"]
    job = row["job"]
    createdAt = Timestamp(milliseconds: row["created_at"])
    checkpoint = try JSONValue(stored: row["checkpoint"]).decoded(as: Checkpoint.self)
  }
}
