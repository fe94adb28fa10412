import Files
import Foundation
import GRDB
import JSON
import Robustness
import Training

/// Jobs that go on with a finished one for further epochs.
extension Store {
  /// Makes a new job of one that has succeeded: the same spec with a further stage, beginning where the finished one ended. The finished one
  /// stays as it is.
  ///
  /// - Parameter accept: checks the new job's spec.
  /// - Throws: `NotFound`; `CannotExtend` when the job is none that can go on; `SpecFaults` when its spec can no longer run.
  package func submitExtension(
    of finished: String, by request: ExtensionRequest, key: IdempotencyKey?, at now: Timestamp = .now, if condition: ChangeCondition? = nil,
    accept: (JSONValue) throws -> SpecCheck.Accepted, answer: (Job) throws -> StoredAnswer
  ) throws -> CreationAnswer {
    let job = try job(finished)
    let training = try Self.requireExtensible(job)
    let history = try history(of: finished)
    guard let ended = history.last.flatMap({ training.ending(after: $0.epoch) }) else {
      throw CannotExtend(job: finished, state: job.state, reason: "no stage of its training ended where its last epoch is")
    }
    let id = Identifier.job.make(at: now)
    // Before the transaction, as in `submitAgain`.
    let hasState = try leaveEnd(of: job, history, in: directory.job(id))
    do {
      let further = request.json(for: ended, resetsOptimizer: !hasState)
      let accepted = try accept(Self.extended(job, ended, by: further))
      return try create(key: key, at: now, if: condition) { change in
        _ = try Self.requireExtensible(Self.job(finished, change.db))
        let reason = "it goes on where \(finished) ended" + (hasState ? "" : ", whose optimiser is no longer there")
        try Self.insert(
          accepted.spec, as: id, owner: job.owner, peakBytes: accepted.footprint.jobBytes, work: accepted.estimate.floatingPointOperations,
          extendedFrom: finished, reason: reason, change)
        try Self.copyResults(of: finished, to: id, change)
        return try answer(Self.job(id, change.db))
      }
    } catch {
      Folder.remove(directory.job(id))
      throw error
    }
  }

  private static func requireExtensible(_ job: Job) throws -> TrainingSettings {
    func refuse(_ reason: String) -> CannotExtend { CannotExtend(job: job.id, state: job.state, reason: reason) }
    guard let training = try JobSpec(reading: job.spec).training else {
      throw refuse("a job of kind \(job.kind.rawValue) does not train, and there are no epochs to add to")
    }
    switch job.state {
    case .succeeded: break
    case .failed: throw refuse("it failed; resume it, and extend the job that goes on in its place when that has succeeded")
    case .cancelled: throw refuse("it was cancelled; only a job that has succeeded can be extended")
    default: throw refuse("it has not ended; only a job that has succeeded can be extended")
    }
    guard training.epochs > 0 else {
      throw refuse("it trained its base stage alone (training.epochs is 0); begin a new job with model.init \(job.id)/last")
    }
    return training
  }

  private func history(of id: String) throws -> [TrainingMetrics] {
    try database.read { db in
      try String.fetchAll(db, sql: "SELECT metrics FROM metrics WHERE job = ? ORDER BY epoch", arguments: [id])
    }.compactMap { try? JSONValue(parsing: $0).decoded(as: TrainingMetrics.self) }
  }

  /// Leaves what the new job begins with in its folder.
  ///
  /// - Returns: whether the optimiser is in it.
  private func leaveEnd(of job: Job, _ history: [TrainingMetrics], in folder: URL) throws -> Bool {
    try Folder.make(folder)
    do {
      if try ExtensionFile.copyEnd(from: directory.job(job.id), to: folder) { return true }
      let engine = try database.read { db in
        try String.fetchOne(db, sql: "SELECT engine FROM attempts WHERE job = ? ORDER BY number DESC LIMIT 1", arguments: [job.id])
      }
      try ExtensionFile.write(
        history: history, checkpoints: checkpoints(of: job.id).map(\.checkpoint), warnings: job.warnings, engine: engine ?? "", to: folder)
      return false
    } catch {
      Folder.remove(folder)
      throw error
    }
  }

  /// The spec of the new job.
  ///
  /// - Parameter ended: the training that the finished one had, as far as it went.
  private static func extended(_ job: Job, _ ended: TrainingSettings, by further: JSONValue) throws -> JSONValue {
    var spec = try job.spec
    var stages: [JSONValue] = []
    if case .array(let known)? = spec["training"]?["extensions"] { stages = Array(known.prefix(ended.extensions.count)) }
    if let last = ended.extensions.last, !stages.isEmpty {
      stages[stages.count - 1] = stages[stages.count - 1].setting("/epochs", to: .int(Int64(last.epochs)))
    }
    spec = spec.setting("/training/extensions", to: .array(stages + [further]))
    if ended.extensions.isEmpty { spec = spec.setting("/training/epochs", to: .int(Int64(ended.epochs))) }
    // It is no part of the sweep that the finished one belongs to, and what that one followed has succeeded.
    return spec.setting("/labels/\(SweepSpec.label)", to: nil).setting("/after", to: nil)
  }
}

/// A job is none that can go on for further epochs.
package struct CannotExtend: Error, Hashable, Sendable, CustomStringConvertible {
  package let job: String
  package let state: JobState
  let reason: String
  package var description: String { "the job is \(state.rawValue) and cannot be extended: \(reason)" }
}
