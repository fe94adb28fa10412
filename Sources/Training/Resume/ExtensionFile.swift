import Files
import Foundation
import Robustness

/// What a run begins with that goes on with a finished one for further epochs: the state of the finished one, in the folder of the new one.
///
/// It is a `ResumeFile`; one without arrays goes on from the weights of the last checkpoint, with an optimiser that remembers nothing.
package enum ExtensionFile {
  static let name = "extended.state"

  static func file(in directory: URL) -> ResumeFile { ResumeFile(url: directory.appendingPathComponent(name)) }

  /// Removes all of a finished run's folder but the state that it ended with.
  package static func keepEnd(in directory: URL) {
    let end = newest(in: directory)?.name
    for name in Folder.names(in: directory) where name != end { Folder.remove(directory.appendingPathComponent(name)) }
    if end == nil { Folder.remove(directory) }
  }

  /// Copies the state that a run ended with.
  ///
  /// - Returns: false when there is none that is whole.
  package static func copyEnd(from source: URL, to target: URL) throws -> Bool {
    guard let file = newest(in: source) else { return false }
    do {
      guard let state = try file.open(ResumeState.self) else { return false }
      try state.requireWhole()
      let content = try OpenFile(file.url)
      try AtomicFile.write(to: target.appendingPathComponent(name)) { copy in try content.forEachPiece { try copy.append($0) } }
      return true
    } catch is ResumeFile.Damage {
      return false
    }
  }

  /// Of the finished states in a folder the one that was written last.
  private static func newest(in directory: URL) -> ResumeFile? {
    ResumeFiles(directory: directory).files.compactMap { file in
      (try? file.open(ResumeState.self)?.header).flatMap { $0.isFinished ? (file: file, generation: $0.generation) : nil }
    }.max { $0.generation < $1.generation }?.file
  }

  /// Writes what is known of a finished run whose state is gone.
  ///
  /// - Parameters:
  ///   - history: at least one epoch.
  ///   - engine: what computed it.
  package static func write(
    history: [TrainingMetrics], checkpoints: [Checkpoint], warnings: [Warning], engine: String, to directory: URL
  ) throws {
    var state = ResumeState(fingerprint: "", engine: engine)
    state.epoch = history.last?.epoch ?? 0
    state.updates = history.last?.step ?? 0
    state.history = history
    state.checkpoints = Dictionary(checkpoints.map { ($0.role, $0) }) { first, _ in first }
    state.warnings = warnings
    state.isFinished = true
    _ = try file(in: directory).write(state, [])
  }

  static func remove(in directory: URL) { SealedFile(file(in: directory).url).remove() }
}
