import Files
import Foundation
import GRDB
import JSON
import Training

/// How what is old goes.
extension Store {
  /// What the rules would take now.
  ///
  /// - Parameter owner: only this one's things.
  package func retentionPlan(_ rules: RetentionRules, owner: String? = nil, at now: Timestamp = .now) throws -> RetentionPlan {
    try database.read { db in RetentionPlan(try Self.candidates(owner, db), rules, at: now) }
  }

  private static func candidates(_ owner: String?, _ db: Database) throws -> [RetentionPlan.Candidate] {
    var names = try RetentionNames(db)
    let sizes = try Row.fetchAll(db, sql: "SELECT sha256, bytes FROM files")
      .reduce(into: [String: Int]()) { $0[$1["sha256"]] = $1["bytes"] }
    let checkpoints = try Row.fetchAll(db, sql: "SELECT id, job, role, sha256 FROM checkpoints").reduce(
      into: [String: [RetentionPlan.Weights]]()
    ) { known, row in
      let id: String = row["id"]
      known[row["job"], default: []].append(
        RetentionPlan.Weights(
          id: id, role: (row["role"] as String?).flatMap(CheckpointRole.init), bytes: sizes[row["sha256"]] ?? 0,
          isNamed: names.checkpoints.contains(id)))
    }
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT id, owner, labels, state, finished_at, report, evidence, result IS NOT NULL AS judged FROM jobs
        WHERE state IN \(JobState.terminalInSQL) AND (?1 IS NULL OR owner = ?1) ORDER BY position DESC
        """, arguments: [owner])
    var candidates: [RetentionPlan.Candidate] = []
    while let row = try rows.next() {
      let id: String = row["id"]
      guard case .object(let labels)? = try? JSONValue(parsing: row["labels"] as String) else { continue }
      let texts = labels.members.reduce(into: [String: String]()) { $0[$1.key] = $1.value.string }
      let evidence = (row["evidence"] as String?).map { sizes[$0] ?? 0 }
      let weights = checkpoints[id] ?? []
      let report = (row["report"] as String?).map { sizes[$0] ?? 0 } ?? 0
      candidates.append(
        RetentionPlan.Candidate(
          id: id, owner: row["owner"], labels: texts, endedAt: Timestamp(milliseconds: row["finished_at"] ?? 0),
          hasEvidence: evidence != nil, hasVerdict: row["judged"], bytes: weights.reduce(report + (evidence ?? 0)) { $0 + $1.bytes },
          evidenceBytes: evidence ?? 0, checkpoints: weights,
          namedBy: names.name(of: id, owner: row["owner"], labels: texts, hasSucceeded: row["state"] == JobState.succeeded.rawValue)))
    }
    return candidates
  }

  // MARK: Space

  /// Seconds of the vacuum between two rests, without the sync behind it.
  private static let vacuumSeconds = 0.003

  /// Gives free pages of the database back to the disk, as many as take no time of note.
  ///
  /// - Returns: whether there were any.
  package func giveBackSpace() throws -> Bool { try database.giveBack(within: Self.vacuumSeconds) }

  // MARK: Carrying it out

  /// Seconds that a piece may keep the writer busy before it is stored: whoever submits meanwhile waits for it, and for its sync.
  private static let pieceSeconds = 0.006

  /// Removes what a plan names, in pieces.
  ///
  /// - Parameter rest: called after each piece with the seconds for which it held the writer; it lets others write.
  /// - Returns: how many removals were made; what came to be needed since the plan was made stays.
  package func carryOut(_ plan: RetentionPlan, rest: (Double) throws -> Void = { _ in }) throws -> Int {
    var (left, made) = (plan.removals[...], 0)
    while !left.isEmpty {
      var (holders, seconds): (Set<String>, Double) = ([], 0)
      try change { change in
        // From where it holds the writer: what it waited for that counts for nothing.
        let begun = ContinuousClock.now
        repeat {
          guard let next = left.popFirst() else { break }
          do {
            try Self.remove(next, directory, change)
            made += 1
            holders.insert(next.job)
          } catch is InUse {
          } catch is NotFound {
          } catch is NotTerminal {}
          seconds = (ContinuousClock.now - begun) / .seconds(1)
        } while seconds < Self.pieceSeconds
      }
      try rest(seconds)
      try collectReleased(of: holders, rest)
    }
    return made
  }

  private static func remove(_ removal: RetentionPlan.Removal, _ directory: DataDirectory, _ change: Change) throws {
    let db = change.db
    switch removal.kind {
    case .job: try delete(removal.id, directory, change)
    case .checkpoint:
      try requireUnused(removal.id, db)
      let row = try Row.fetchOne(db, sql: "SELECT sha256 FROM checkpoints WHERE id = ?", arguments: [removal.id])
      guard let row else { throw NotFound(removal.id) }
      try change.touch(removal.job)
      try db.execute(sql: "DELETE FROM checkpoints WHERE id = ?", arguments: [removal.id])
      try release(row["sha256"], of: removal.job, db)
    case .evidence:
      let row = try Row.fetchOne(db, sql: "SELECT evidence FROM jobs WHERE id = ? AND evidence IS NOT NULL", arguments: [removal.id])
      guard let row else { throw NotFound(removal.id) }
      try change.touch(removal.job)
      try db.execute(sql: "UPDATE jobs SET evidence = NULL WHERE id = ?", arguments: [removal.id])
      try release(row["evidence"], of: removal.job, db)
    }
  }

  /// Removes the files that were released with these jobs and that nobody names.
  private func collectReleased(of holders: Set<String>, _ rest: (Double) throws -> Void) throws {
    guard !holders.isEmpty else { return }
    let list = JSONValue.array(holders.map(JSONValue.string)).serialised()
    let known = try database.read { db in
      try String.fetchAll(
        db, sql: "SELECT DISTINCT job FROM released WHERE job IN (SELECT value FROM json_each(?))", arguments: [list])
    }
    for holder in known {
      let begun = ContinuousClock.now
      try collectReleased(of: holder)
      try rest((ContinuousClock.now - begun) / .seconds(1))
    }
  }
}
