import Files
import Foundation
import Robustness
import Training

/// How far the evaluations that end a job have come.
struct EvaluationState: Sendable, Codable {
  /// Of the base model, and of the final one.
  var before: EvaluationJournal.Snapshot
  var after: EvaluationJournal.Snapshot
  var saved: SavedState
}

/// The file that a job's evaluations are resumed from: `EvaluationState` as JSON, and the SHA-256 of that in hexadecimal on a line of its
/// own.
struct EvaluationFile {
  static let name = "evaluation.state"
  private let url: URL
  private static let digestBytes = 64

  init(directory: URL) { url = directory.appendingPathComponent(Self.name) }

  /// - Returns: the bytes written.
  func write(_ state: EvaluationState) throws -> Int {
    let json = try JSONEncoder().encode(state)
    return try AtomicFile.write(to: url) { file in
      try file.append(json)
      try file.append(Data("\n\(SHA256Digest.hex(of: json))\n".utf8))
    }.bytes
  }

  /// - Returns: `nil` when there is none.
  /// - Throws: `Damage` when the file is not what `write` left; `StorageError` when the system cannot say.
  func read() throws -> EvaluationState? {
    let file: OpenFile
    do {
      file = try OpenFile(url)
    } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
    var data = Data(count: file.size)
    do {
      let count = try data.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
      guard count == data.count else { throw Damage(reason: "was cut while it was read") }
    } catch let error as StorageError where error.code == EIO {
      throw Damage(reason: "cannot be read from the disk")
    }
    let json = data.dropLast(Self.digestBytes + 2)
    guard data.suffix(Self.digestBytes + 2) == Data("\n\(SHA256Digest.hex(of: json))\n".utf8) else {
      throw Damage(reason: "does not have the content that its digest is of")
    }
    guard let state = try? JSONDecoder().decode(EvaluationState.self, from: json) else {
      throw Damage(reason: "is one that this version cannot read")
    }
    return state
  }

  /// Takes a damaged file out of the way.
  ///
  /// - Returns: what there is to say of it.
  func setAside(_ damage: Damage, by setAside: (URL, String) throws -> Void) throws -> Warning {
    try setAside(url, damage.reason)
    return .savedStateDamaged(Self.name, damage.reason, instead: "the evaluation begins anew")
  }

  func remove() {
    Folder.remove(url)
    Folder.remove(url.deletingLastPathComponent().appendingPathComponent(".\(Self.name).new"))
  }

  struct Damage: Error {
    /// To go after the name of the file.
    let reason: String
  }
}
