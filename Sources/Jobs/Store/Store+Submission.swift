import Files
import Foundation
import GRDB
import JSON
import Robustness

/// How jobs come into being.
extension Store {
  /// Puts a job into the queue.
  ///
  /// - Parameters:
  ///   - peakBytes: the most memory that it will take.
  ///   - work: floating-point operations that it will take, as an estimate.
  /// - Throws: `SpecFaults` when a data set, weights or a job that the spec names have gone since it was checked; `QuotaExceeded`.
  @discardableResult
  package func submit(_ spec: JobSpec, owner: String = localOwner, peakBytes: Int = 0, work: Double = 0, at now: Timestamp = .now) throws
    -> Job
  {
    let id = try change(at: now) { change in try Self.insert(spec, owner: owner, peakBytes: peakBytes, work: work, change) }
    return try job(id)
  }

  /// Submits a job and keeps the answer to it in one transaction: a request that is sent again, also after a crash or by two
  /// connections at once, makes one job.
  ///
  /// - Parameter answer: made of the new job.
  package func submit(
    _ spec: JobSpec, owner: String = localOwner, peakBytes: Int = 0, work: Double = 0, key: IdempotencyKey?, at now: Timestamp = .now,
    answer: (Job) throws -> StoredAnswer
  ) throws -> CreationAnswer {
    try create(key: key, at: now) { change in
      try answer(Self.job(Self.insert(spec, owner: owner, peakBytes: peakBytes, work: work, change), change.db))
    }
  }

  /// Makes a new job of one that failed: the same spec, beginning at the failed one's last saved state. The failed one stays as it is.
  ///
  /// - Throws: `NotFound`; `IllegalTransition` when the job has not failed; `SpecFaults` as `submit`.
  package func submitAgain(
    _ failed: String, key: IdempotencyKey?, at now: Timestamp = .now, if condition: ChangeCondition? = nil,
    answer: (Job) throws -> StoredAnswer
  ) throws -> CreationAnswer {
    let id = Identifier.job.make(at: now)
    // Before the transaction: a folder that no job names is set aside at the next start, a job without its state would begin anew.
    let hasState = try copyState(of: failed, to: id)
    do {
      return try create(key: key, at: now, if: condition) { change in
        let job = try Self.job(failed, change.db)
        guard job.state == .failed else { throw IllegalTransition(job: failed, state: job.state, wanted: .queued) }
        try Self.insertCopy(of: job, as: id, hasState: hasState, change)
        try Self.replace(failed, by: id, change.db)
        return try answer(Self.job(id, change.db))
      }
    } catch {
      Folder.remove(directory.job(id))
      throw error
    }
  }

  /// - Returns: whether there is anything to go on from.
  private func copyState(of failed: String, to id: String) throws -> Bool {
    let (source, target) = (directory.job(failed), directory.job(id))
    try Folder.make(target)
    let damaged = Set(try JobRunner.damagedStates(in: source).map(\.name))
    let states = Folder.names(in: source).filter { $0.hasSuffix(".state") && !damaged.contains($0) }
    // The images of the recorded shards go along: what is not there is computed again.
    let images = Folder.names(in: source).filter(JobRunner.imageFiles.contains)
    for name in states + images {
      let state = try OpenFile(source.appendingPathComponent(name))
      try AtomicFile.write(to: target.appendingPathComponent(name)) { copy in try state.forEachPiece { try copy.append($0) } }
    }
    return !states.isEmpty
  }

  private static func insertCopy(of failed: Job, as id: String, hasState: Bool, _ change: Change) throws {
    let db = change.db
    let spec = try JobSpec(reading: failed.spec)
    let row = try Row.fetchOne(db, sql: "SELECT peak_bytes, work FROM jobs WHERE id = ?", arguments: [failed.id])
    let reason = hasState ? "it goes on from the last saved state of \(failed.id)" : "\(failed.id) left no saved state: it begins anew"
    try insert(
      spec, as: id, owner: failed.owner, peakBytes: row?["peak_bytes"] ?? 0, work: Double(row?["work"] ?? 0) * millions,
      resumedFrom: failed.id, reason: reason, change)
    try copyResults(of: failed.id, to: id, change)
    if hasState, let step = failed.progress.savedStep { try Self.note(savedStep: step, of: id, db) }
  }

  /// Copies the records of checkpoints and epochs of a job to one that goes on with it.
  static func copyResults(of other: String, to id: String, _ change: Change) throws {
    let db = change.db
    for row in try Row.fetchAll(db, sql: "SELECT * FROM checkpoints WHERE job = ? AND role IS NOT NULL", arguments: [other]) {
      try db.execute(
        sql: "INSERT INTO checkpoints (id, job, role, sha256, checkpoint, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [
          Identifier.checkpoint.make(at: change.now), id, row["role"] as String, row["sha256"] as String, row["checkpoint"] as String,
          change.now.milliseconds,
        ])
    }
    try db.execute(
      sql: """
        INSERT INTO metrics (job, epoch, step, phase, at, metrics) SELECT ?, epoch, step, phase, at, metrics FROM metrics WHERE job = ?
        """, arguments: [id, other])
    try db.execute(
      sql: "UPDATE jobs SET metrics = (SELECT metrics FROM jobs WHERE id = ?) WHERE id = ?", arguments: [other, id])
  }

  // MARK: Within a transaction

  /// The unit of the work that is stored.
  private static let millions = 1e6

  static func insert(_ spec: JobSpec, owner: String, peakBytes: Int, work: Double, _ change: Change) throws -> String {
    let id = Identifier.job.make(at: change.now)
    try insert(spec, as: id, owner: owner, peakBytes: peakBytes, work: work, change)
    return id
  }

  static func insert(
    _ spec: JobSpec, as id: String, owner: String, peakBytes: Int, work: Double, resumedFrom: String? = nil, extendedFrom: String? = nil,
    reason: String? = nil,
    _ change: Change
  ) throws {
    let db = change.db
    // What goes on with another job has its turn behind it.
    let follows = resumedFrom == nil && extendedFrom == nil ? spec.after : nil
    try requireResources(of: spec, following: follows, db)
    try change.quotas.requireJobs(of: owner, db)
    let labels = JSONValue(texts: spec.labels)
    try db.execute(
      sql: """
        INSERT INTO jobs (
          id, position, owner, name, labels, state, attempt, crashes, priority, spec, progress, metrics, warnings, created_at, revision,
          peak_bytes, work, follows, resumed_from, extended_from
        ) VALUES (?, \(JobCounter.nextPosition), ?, ?, ?, 'queued', 1, 0, ?, ?, ?, '{}', '[]', ?, 1, ?, ?, ?, ?, ?)
        """,
      arguments: [
        id, owner, spec.name, labels.serialised(), spec.priority, spec.json.serialised(), JobProgress().json.serialised(),
        change.now.milliseconds, peakBytes, Int64(min(max(0, work / millions), 1e15)), follows, resumedFrom, extendedFrom,
      ])
    for resource in spec.resourcesInUse {
      try db.execute(sql: "INSERT INTO uses (job, resource) VALUES (?, ?)", arguments: [id, resource])
    }
    try change.touch(id)
    try record(.queued, of: id, reason: reason, change)
  }

  /// The data set and the weights of a spec must be there when the job comes into being: one transaction with it, so that a deletion
  /// comes before or after, never between.
  private static func requireResources(of spec: JobSpec, following before: String?, _ db: Database) throws {
    var faults = try faults(following: before, db)
    func require(_ id: String?, _ table: String, file: String, at pointer: String) throws {
      guard let id else { return }
      guard let row = try Row.fetchOne(db, sql: "SELECT \(file) AS file FROM \(table) WHERE id = ?", arguments: [id]) else {
        faults.append(FieldFault(pointer, .notFound, "there is no \(id.prefix(100)) (any more)"))
        return
      }
      do {
        try requireNotMarkedDamaged(row["file"], of: id, db)
      } catch let error as Damaged {
        faults.append(FieldFault(pointer, .doesNotFit, "\(error); upload it again"))
      }
    }
    if case .id(let id) = spec.dataset.reference, Identifier.dataset.matches(id) {
      try require(id, "datasets", file: "file", at: "/dataset/id")
    }
    for (id, pointer) in [(spec.model.initial, "/model/init"), (spec.evaluation.baseline, "/evaluation/baseline")] {
      guard let id else { continue }
      try require(id, Identifier.model.matches(id) ? "models" : "checkpoints", file: "sha256", at: pointer)
    }
    guard faults.isEmpty else { throw SpecFaults(faults) }
  }
}

extension JobSpec {
  /// The ids whose deletion would take something from this job.
  var resourcesInUse: Set<String> {
    var ids = Set([model.initial, evaluation.baseline, after].compactMap { $0 })
    if case .id(let id) = dataset.reference { ids.insert(id) }
    return ids
  }
}
