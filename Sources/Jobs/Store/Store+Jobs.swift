import Files
import Foundation
import GRDB
import JSON
import Robustness

/// A part of a list, newest first.
package struct Page<Element: Sendable>: Sendable {
  package let elements: [Element]
  package let hasMore: Bool

  package init(elements: [Element], hasMore: Bool) {
    self.elements = elements
    self.hasMore = hasMore
  }
}

/// Jobs as they are read, listed and deleted.
extension Store {
  /// A job as it is shown to those who follow it: what changes within a run comes at a pace of about a second, its state at once.
  ///
  /// - Throws: `NotFound`, `Damaged`.
  package func snapshot(of id: String) throws -> JobSnapshot {
    if let known = board.shown(of: id) { return known }
    let changes = board.changes
    let (job, reserved) = try database.read { db in
      (try Self.job(id, db), try EventNumbers.reserved(of: id, db))
    }
    return board.show(job, reserved: reserved, ifUnchangedSince: changes)
  }

  /// The same when it is in memory: without waiting for anything.
  package func rememberedSnapshot(of id: String) -> JobSnapshot? { board.shown(of: id) }

  /// A job as it is.
  ///
  /// - Throws: `NotFound`, `Damaged`.
  package func job(_ id: String) throws -> Job { try board.current(of: id) ?? snapshot(of: id).job }

  /// Newest first. A job whose record is damaged is left out, with a line in the log.
  ///
  /// - Parameters:
  ///   - labels: all of them must be the job's.
  ///   - piece: what an id begins or ends with; the prefix of its kind may be left out.
  ///   - after: the id of the last job of the page before.
  package func jobs(
    for viewer: Viewer = .all, state: JobState? = nil, labels: [String: String] = [:], piece: String? = nil, after: String? = nil,
    limit: Int = 50
  ) throws -> Page<JobSnapshot> {
    try database.read { db in
      var clauses: [String] = []
      var arguments = StatementArguments()
      if !viewer.seesAll {
        clauses.append("owner = ?")
        arguments += [viewer.owner]
      }
      if let state {
        clauses.append("state = ?")
        arguments += [state.rawValue]
      }
      for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
        clauses.append("EXISTS (SELECT 1 FROM json_each(labels) WHERE json_each.key = ? AND json_each.value = ?)")
        arguments += [key, value]
      }
      if let piece {
        let beginning = piece.hasPrefix("\(Identifier.job.rawValue)_") ? piece : "\(Identifier.job.rawValue)_\(piece)"
        clauses.append("(substr(id, 1, length(?)) = ? OR substr(id, -length(?)) = ?)")
        arguments += [beginning, beginning, piece, piece]
      }
      if let after {
        // By the place of the job where it is still there, by its id (which sorts by time) where it was deleted meanwhile.
        // Another owner's job is not there.
        let place = "SELECT position FROM jobs WHERE id = ? AND (? = '*' OR owner = ?)"
        clauses.append("(position < (\(place)) OR (NOT EXISTS (\(place)) AND id < ?))")
        arguments += [after, viewer.owner, viewer.owner, after, viewer.owner, viewer.owner, after]
      }
      let filter = clauses.isEmpty ? "" : "WHERE " + clauses.joined(separator: " AND ")
      arguments += [limit + 1]
      let rows = try Row.fetchCursor(
        db, sql: "\(Self.selection) \(filter) ORDER BY position DESC LIMIT ?", arguments: arguments)
      return try page(of: rows, limit: limit, db)
    }
  }

  /// The rows are read as they come: GRDB looks up a column of a row that it keeps by comparing all names.
  private func page(of rows: RowCursor, limit: Int, _ db: Database) throws -> Page<JobSnapshot> {
    var listed: [(id: String, snapshot: JobSnapshot?)] = []
    var cold: [String: Job] = [:]
    var count = 0
    while let row = try rows.next() {
      count += 1
      guard count <= limit else { break }
      let id: String = row["id"]
      listed.append((id, board.shown(of: id)))
      guard listed.last?.snapshot == nil else { continue }
      cold[id] = try? Job(row, transitions: [])
    }
    for (id, transitions) in try Self.transitions(of: Array(cold.keys), db) {
      if let transitions { cold[id]?.transitions = transitions } else { cold[id] = nil }
    }
    for (id, snapshot) in listed where snapshot == nil && cold[id] == nil {
      logger.error("the record of a job is damaged", metadata: ["job": "\(id)"])
    }
    return Page(elements: listed.compactMap { $0.snapshot ?? cold[$0.id].map(JobSnapshot.init) }, hasMore: count > limit)
  }

  /// How many jobs are in each state.
  package func counts() throws -> [JobState: Int] {
    try database.read { db in
      let rows = try Row.fetchAll(db, sql: "SELECT state, count(*) AS count FROM jobs GROUP BY state")
      return rows.reduce(into: [:]) { counts, row in
        if let state = JobState(rawValue: row["state"]) { counts[state] = row["count"] }
      }
    }
  }

  /// How many jobs wait for a worker.
  package func queuedCount() throws -> Int {
    try database.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM jobs WHERE state = 'queued'") ?? 0 }
  }

  /// Removes a job that has ended, with everything of it.
  ///
  /// - Throws: `NotFound`; `NotTerminal`; `InUse` when jobs are to start from one of its checkpoints.
  package func delete(_ id: String, if condition: ChangeCondition? = nil) throws {
    try change(if: condition) { change in try Self.delete(id, directory, change) }
    try collectReleased(of: id)
  }

  // MARK: Within a transaction

  /// Its files go afterwards, by `collectReleased`.
  static func delete(_ id: String, _ directory: DataDirectory, _ change: Change) throws {
    let db = change.db
    // The id becomes the name of a folder that is removed.
    guard Identifier.job.matches(id), let text = try String.fetchOne(db, sql: "SELECT state FROM jobs WHERE id = ?", arguments: [id])
    else { throw NotFound(id) }
    if let state = JobState(rawValue: text), !state.isTerminal { throw NotTerminal(job: id, state: state) }
    try requireUnused(id, db)
    for row in try Row.fetchAll(db, sql: "SELECT id, sha256 FROM checkpoints WHERE job = ?", arguments: [id]) {
      try requireUnused(row["id"], of: id, db)
      try release(row["sha256"], of: id, db)
    }
    for row in try Row.fetchAll(db, sql: "SELECT report, evidence FROM jobs WHERE id = ?", arguments: [id]) {
      try release(row["report"], of: id, db)
      try release(row["evidence"], of: id, db)
    }
    try db.execute(sql: "DELETE FROM jobs WHERE id = ?", arguments: [id])
    change.delete(id)
    // Before the commit: the folder of a job that nobody knows would look like one whose database was lost.
    Folder.remove(directory.job(id))
  }

  /// The columns of a job, with what has to be known of its spec, whose text is passed on as it is.
  private static let selection = """
    SELECT *, json_valid(spec) AND (result IS NULL OR json_valid(result)) AS is_whole,
      CASE WHEN json_valid(spec) THEN CAST(json_extract(spec, '$.kind') AS TEXT) END AS kind FROM jobs
    """

  /// - Throws: `NotFound`, `Damaged`.
  static func job(_ id: String, _ db: Database) throws -> Job {
    let row = try Row.fetchOne(db, sql: "\(selection) WHERE id = ?", arguments: [id])
    guard let row else { throw NotFound(id) }
    guard let transitions = try transitions(of: [id], db)[id, default: []] else { throw Damaged(id) }
    return try Job(row, transitions: transitions)
  }

  /// Of each job that has any, in their order; `nil` where one is damaged.
  private static func transitions(of ids: [String], _ db: Database) throws -> [String: [Job.Transition]?] {
    let list = JSONValue.array(ids.map(JSONValue.string)).serialised()
    let rows = try Row.fetchCursor(
      db, sql: "SELECT * FROM transitions WHERE job IN (SELECT value FROM json_each(?)) ORDER BY job, number", arguments: [list])
    var found: [String: [Job.Transition]?] = [:]
    while let row = try rows.next() {
      let state = JobState(rawValue: row["state"])
      let transition = state.map { Job.Transition(state: $0, at: Timestamp(milliseconds: row["at"]), reason: row["reason"]) }
      let before = found[row["job"], default: []]
      found[row["job"]] = .some(transition.flatMap { next in before.map { $0 + [next] } })
    }
    return found
  }

  static func requireUnused(_ resource: String, of job: String? = nil, _ db: Database) throws {
    let jobs = try String.fetchAll(
      db,
      sql: """
        SELECT jobs.id FROM uses JOIN jobs ON jobs.id = uses.job
        WHERE uses.resource = ? AND jobs.state NOT IN \(JobState.terminalInSQL) ORDER BY jobs.position LIMIT 10
        """, arguments: [resource])
    // Ids are long and random: where one stands in a spec, it is named there.
    let schedules = try String.fetchAll(
      db, sql: "SELECT id FROM schedules WHERE instr(spec, ?) ORDER BY id LIMIT 10", arguments: [resource])
    guard jobs.isEmpty, schedules.isEmpty else { throw InUse(id: resource, checkpointOf: job, jobs: jobs, schedules: schedules) }
  }
}

/// A job that has not ended cannot be deleted.
package struct NotTerminal: Error, Hashable, Sendable, CustomStringConvertible {
  package let job: String
  package let state: JobState
  package var description: String { "the job is \(state.rawValue); only a job that has ended can be deleted: cancel it first" }
}

extension Job {
  /// - Parameter row: with `is_whole`, whether its spec and its result are JSON, and its `kind`.
  /// - Throws: `Damaged` when the row holds what Temper never writes.
  init(_ row: Row, transitions: [Transition]) throws {
    let id: String = row["id"]
    func known<Value>(_ value: Value?) throws -> Value {
      guard let value else { throw Damaged(id) }
      return value
    }
    func document(_ column: String) throws -> JSONValue { try known(try? JSONValue(parsing: row[column] as String)) }
    guard row["is_whole"] == true, Identifier.job.matches(id) else { throw Damaged(id) }
    self.id = id
    owner = row["owner"]
    name = row["name"]
    labels = try known(document("labels").strings)
    kind = try known(JobSpec.Kind(rawValue: row["kind"] ?? JobSpec.Kind.train.rawValue))
    state = try known(JobState(rawValue: row["state"]))
    reason = row["reason"]
    attempt = try row.count("attempt", of: id)
    specText = row["spec"]
    resumedFrom = row["resumed_from"]
    extendedFrom = row["extended_from"]
    follows = row["follows"]
    resultText = row["result"]
    priority = row["priority"]
    progress = try JobProgress(document("progress"))
    progress.savedStep = [progress.savedStep, row["saved_step"]].compactMap { $0 }.max()
    metrics = try known(document("metrics").doubles)
    warnings = try known(document("warnings").list).map { try known(Warning($0)) }
    createdAt = Timestamp(milliseconds: row["created_at"])
    startedAt = (row["started_at"] as Int64?).map(Timestamp.init)
    finishedAt = (row["finished_at"] as Int64?).map(Timestamp.init)
    report = row["report"]
    evidence = row["evidence"]
    generated = row["generated"]
    secondsRun = Double(try row.count("ran_ms", of: id)) / 1_000
    revision = try row.count("revision", of: id)
    self.transitions = transitions
  }
}

extension JSONValue {
  /// The members of an object of strings.
  fileprivate var strings: [String: String]? { members { $0.string } }
  /// The members of an object of numbers.
  fileprivate var doubles: [String: Double]? { members { $0.double } }

  private func members<Value>(_ read: (JSONValue) -> Value?) -> [String: Value]? {
    guard case .object(let object) = self else { return nil }
    var members: [String: Value] = [:]
    for (key, value) in object.members {
      guard let value = read(value) else { return nil }
      members[key] = value
    }
    return members
  }

  fileprivate var list: [JSONValue]? {
    guard case .array(let elements) = self else { return nil }
    return elements
  }
}
