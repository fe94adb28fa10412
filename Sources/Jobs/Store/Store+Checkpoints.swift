import Files
import Foundation
import GRDB
import JSON
import Robustness
import Training

/// A checkpoint as the store has it: an id names one file for ever. A job has one checkpoint of each role; when a better one takes the
/// role, that is another checkpoint.
package struct CheckpointRecord: Hashable, Sendable {
  package let id: String
  package let job: String
  package let checkpoint: Checkpoint
  package let createdAt: Timestamp
  /// Its file is known to be damaged.
  package var isDamaged = false

  package var sha256: String { checkpoint.sha256 }

  package var json: JSONValue {
    var measured = JSONObject()
    for (name, value) in MetricsPoint(checkpoint.metrics).values.sorted(by: { $0.key < $1.key }) { measured[name] = .number(value) }
    var object: JSONObject = [
      "id": .string(id), "object": "checkpoint", "job": .string(job), "role": .string(checkpoint.role.rawValue),
      "epoch": .int(Int64(checkpoint.epoch)), "metrics": .object(measured), "bytes": .int(Int64(checkpoint.bytes)),
      "sha256": .string(checkpoint.sha256), "formats": ["safetensors"], "created_at": .string(createdAt.description),
    ]
    if isDamaged { object["damaged"] = true }
    return .object(object)
  }
}

extension Store {
  /// In the order in which the roles are listed in `CheckpointRole`.
  ///
  /// - Throws: `NotFound`.
  package func checkpoints(of job: String) throws -> [CheckpointRecord] {
    let records = try database.read { db in
      _ = try Self.job(job, db)
      let damaged = try String.fetchSet(db, sql: "SELECT sha256 FROM damaged")
      return try Row.fetchAll(db, sql: "SELECT * FROM checkpoints WHERE job = ? AND role IS NOT NULL", arguments: [job]).map { row in
        var record = try CheckpointRecord(row)
        record.isDamaged = damaged.contains(record.sha256)
        return record
      }
    }
    return CheckpointRole.allCases.compactMap { role in records.first { $0.checkpoint.role == role } }
  }

  /// A checkpoint of a job by its id or its role.
  ///
  /// - Throws: `NotFound`, `Damaged`.
  package func checkpoint(_ name: String, of job: String) throws -> CheckpointRecord {
    try whole { db in
      _ = try Self.job(job, db)
      let row = try Row.fetchOne(
        db, sql: "SELECT * FROM checkpoints WHERE job = ? AND (id = ? OR role = ?)", arguments: [job, name, name])
      guard let row else { throw NotFound(name) }
      return try CheckpointRecord(row)
    }
  }

  /// - Throws: `NotFound`, `Damaged`.
  package func checkpoint(_ id: String) throws -> CheckpointRecord {
    try whole { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT * FROM checkpoints WHERE id = ?", arguments: [id]) else { throw NotFound(id) }
      return try CheckpointRecord(row)
    }
  }

  private func whole(_ read: (Database) throws -> CheckpointRecord) throws -> CheckpointRecord {
    let (record, mark) = try database.read { db in
      let record = try read(db)
      return (record, try Self.mark(of: record.sha256, db))
    }
    try requireWhole(despite: mark, of: record.id)
    return record
  }

  /// Notes a checkpoint whose file is in its place.
  ///
  /// - Returns: the digest of the one whose role it took, when its file is not needed any more by this job's record.
  @discardableResult
  package func note(_ checkpoint: Checkpoint, of job: String, at now: Timestamp = .now) throws -> String? {
    let text = try JSONValue(encoding: checkpoint).serialised()
    var released: String?
    try update(job, at: now) { _, change in
      let db = change.db
      let known = try Row.fetchOne(
        db, sql: "SELECT * FROM checkpoints WHERE job = ? AND role = ?", arguments: [job, checkpoint.role.rawValue])
      // An attempt that goes over an epoch again finds its checkpoint there, or a later one.
      if let known, try known["checkpoint"] == text || CheckpointRecord(known).checkpoint.epoch > checkpoint.epoch {
        if known["sha256"] != checkpoint.sha256 { try Self.release(checkpoint.sha256, of: job, db) }
        return
      }
      try change.touch(job)
      if let known { released = try Self.retire(known, of: job, db) }
      let record = CheckpointRecord(id: Identifier.checkpoint.make(at: now), job: job, checkpoint: checkpoint, createdAt: now)
      try db.execute(
        sql: "INSERT INTO checkpoints (id, job, role, sha256, checkpoint, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [record.id, job, checkpoint.role.rawValue, checkpoint.sha256, text, now.milliseconds])
      try Self.unmark(checkpoint.sha256, db)
      try Self.note(checkpoint.sha256, bytes: checkpoint.bytes, db)
      try change.append(.checkpoint, to: job, record.json)
      try Self.thinEvents(.checkpoint, of: job, change)
    }
    return released
  }

  /// A checkpoint lost its role: it goes, unless a job is to begin with it.
  private static func retire(_ row: Row, of job: String, _ db: Database) throws -> String? {
    let id: String = row["id"]
    do {
      try requireUnused(id, db)
    } catch is InUse {
      try db.execute(sql: "UPDATE checkpoints SET role = NULL WHERE id = ?", arguments: [id])
      return nil
    }
    try db.execute(sql: "DELETE FROM checkpoints WHERE id = ?", arguments: [id])
    try release(row["sha256"], of: job, db)
    return row["sha256"]
  }
}

extension CheckpointRecord {
  init(_ row: Row) throws {
    id = row["id"]
    job = row["job"]
    createdAt = Timestamp(milliseconds: row["created_at"])
    do {
      checkpoint = try JSONValue(parsing: row["checkpoint"] as String).decoded(as: Checkpoint.self)
    } catch {
      throw Damaged(id)
    }
    guard row["sha256"] == checkpoint.sha256 else { throw Damaged(id) }
  }
}
