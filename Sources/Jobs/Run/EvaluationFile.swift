import Files
import Foundation
import Robustness
import Training

/// The progress of a job's final evaluations.
struct EvaluationState: Sendable, Codable {
  /// The journals of the base model and of the final model.
  var before: EvaluationJournal.Snapshot
  var after: EvaluationJournal.Snapshot
  /// Those of the attacks that do not see the preprocessing of either model; `nil` without preprocessing.
  var transferBefore, transferAfter: EvaluationJournal.Snapshot?
  /// The part of the job that is done; `nil` in a state of an earlier version.
  var fraction: Double?
  var saved: SavedState
}

/// The file that a job's evaluations are resumed from: `EvaluationState` as JSON, then the digest on a line of its own.
struct EvaluationFile {
  static let name = "evaluation.state"
  private let file: SealedFile

  init(directory: URL) { file = SealedFile(directory.appendingPathComponent(Self.name)) }

  /// - Returns: the bytes written.
  func write(_ state: EvaluationState) throws -> Int {
    let json = try JSONEncoder().encode(state)
    return try file.write {
      try $0.append(json)
      try $0.appendDigest(between: "\n")
    }
  }

  /// - Returns: `nil` when there is none.
  /// - Throws: `SealedFile.Damage`; `StorageError` when the system cannot say.
  func read() throws -> EvaluationState? {
    guard var reader = try file.open() else { return nil }
    let json = try reader.bytes(reader.file.size - SealedFile.digestBytes - 2)
    try reader.requireDigest(between: "\n")
    guard let state = try? JSONDecoder().decode(EvaluationState.self, from: json) else {
      throw SealedFile.Damage(reason: "is one that this version cannot read")
    }
    return state
  }

  /// What an evaluation goes on from; a damaged file is moved out of the way.
  func found(_ storage: RunStorage) throws -> (EvaluationState?, [Warning]) {
    // Read again after each wait: what could not be opened while its folder could not be used may be whole.
    try waitingOutShortage(storage.waitForRoom) {
      do {
        return (try read(), [])
      } catch let damage as SealedFile.Damage {
        return (nil, [try setAside(damage, by: storage.setAside)])
      }
    }
  }

  /// Moves a damaged file out of the way.
  ///
  /// - Returns: the warning about it.
  private func setAside(_ damage: SealedFile.Damage, by setAside: (URL, String) throws -> Void) throws -> Warning {
    try setAside(file.url, damage.reason)
    return .savedStateDamaged(Self.name, damage.reason, instead: "the evaluation begins anew")
  }

  func remove() { file.remove() }
}
