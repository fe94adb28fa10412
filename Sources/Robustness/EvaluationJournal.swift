import Synchronization

/// The finished shards of an evaluation. A resumed evaluation does not compute them again.
///
/// A journal belongs to one evaluation of one model. It is emptied when the weights, settings or examples differ.
package final class EvaluationJournal: Sendable {
  /// The journal as a value that can be saved.
  package struct Snapshot: Hashable, Sendable, Codable {
    /// The fingerprint of everything that the results of a shard depend on.
    package var fingerprint = ""
    package var stages: [String: Stage] = [:]

    package init() {}

    /// The number of recorded shards of all stages.
    package var finishedShards: Int { stages.values.reduce(0) { $0 + $1.shards.count } }
  }

  /// A stage: the clean predictions, an attack, a point of the curve, or the self-check.
  package struct Stage: Hashable, Sendable, Codable {
    /// The records by shard number.
    package var shards: [Int: ShardRecord] = [:]
    /// The seconds spent so far, over all attempts.
    package var seconds = 0.0
  }

  /// Identifies the weights: the digest of their file.
  let model: String

  private struct State {
    var snapshot: Snapshot
    /// The current stage, and when it began.
    var current: (stage: String, since: ContinuousClock.Instant)?
  }
  private let state: Mutex<State>

  /// - Parameter snapshot: the journal of an earlier attempt.
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

  /// The number of recorded shards of all stages.
  package var finishedShards: Int { state.withLock { $0.snapshot.finishedShards } }

  /// Begins an evaluation. Records of another evaluation are dropped.
  func begin(fingerprint: String) {
    state.withLock { state in
      guard state.snapshot.fingerprint != fingerprint else { return }
      state.snapshot = Snapshot()
      state.snapshot.fingerprint = fingerprint
    }
  }

  /// - Returns: the recorded shards of the stage.
  func begin(stage: String) -> [Int: ShardRecord] {
    state.withLock { state in
      state.current = (stage, .now)
      return state.snapshot.stages[stage]?.shards ?? [:]
    }
  }

  func record(_ shard: Int, _ record: ShardRecord, of stage: String) {
    state.withLock { $0.snapshot.stages[stage, default: Stage()].shards[shard] = record }
  }

  /// Ends the current stage.
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
