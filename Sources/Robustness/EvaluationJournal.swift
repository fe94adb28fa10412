import Synchronization

/// How far an evaluation has come, shard by shard: what is recorded is not computed again when the evaluation is resumed.
///
/// It belongs to one evaluation of one model. Whoever resumes another one, with other weights, settings or examples, finds it empty.
package final class EvaluationJournal: Sendable {
  /// The journal as a value, to be saved.
  package struct Snapshot: Hashable, Sendable, Codable {
    /// Of everything that the outcome of a shard depends on.
    package var fingerprint = ""
    package var stages: [String: Stage] = [:]

    package init() {}

    /// How many shards are recorded, of all stages.
    package var finishedShards: Int { stages.values.reduce(0) { $0 + $1.shards.count } }
  }

  /// The clean look, an attack, a point of the curve or the self-check.
  package struct Stage: Hashable, Sendable, Codable {
    /// By the number of the shard.
    package var shards: [Int: ShardRecord] = [:]
    /// Spent so far, over all attempts.
    package var seconds = 0.0
  }

  /// What tells the weights from all others: the digest of their file.
  let model: String

  private struct State {
    var snapshot: Snapshot
    /// The stage under way, and since when.
    var current: (stage: String, since: ContinuousClock.Instant)?
  }
  private let state: Mutex<State>

  /// - Parameter snapshot: of an earlier attempt.
  package init(model: String, _ snapshot: Snapshot? = nil) {
    self.model = model
    state = Mutex(State(snapshot: snapshot ?? Snapshot()))
  }

  /// The journal as it is now.
  package var snapshot: Snapshot {
    state.withLock { state in
      var snapshot = state.snapshot
      if let (stage, since) = state.current { snapshot.stages[stage, default: Stage()].seconds += (.now - since) / .seconds(1) }
      return snapshot
    }
  }

  /// How many shards are recorded, of all stages.
  package var finishedShards: Int { state.withLock { $0.snapshot.finishedShards } }

  /// Forgets what was recorded of another evaluation.
  func begin(fingerprint: String) {
    state.withLock { state in
      guard state.snapshot.fingerprint != fingerprint else { return }
      state.snapshot = Snapshot()
      state.snapshot.fingerprint = fingerprint
    }
  }

  /// - Returns: the shards of the stage that are recorded.
  func begin(stage: String) -> [Int: ShardRecord] {
    state.withLock { state in
      state.current = (stage, .now)
      return state.snapshot.stages[stage]?.shards ?? [:]
    }
  }

  func record(_ shard: Int, _ record: ShardRecord, of stage: String) {
    state.withLock { $0.snapshot.stages[stage, default: Stage()].shards[shard] = record }
  }

  /// Ends the stage under way.
  ///
  /// - Returns: the stage, with all its shards.
  func end(stage: String) -> Stage {
    state.withLock { state in
      if let (current, since) = state.current, current == stage {
        state.snapshot.stages[stage, default: Stage()].seconds += (.now - since) / .seconds(1)
      }
      state.current = nil
      return state.snapshot.stages[stage] ?? Stage()
    }
  }
}
