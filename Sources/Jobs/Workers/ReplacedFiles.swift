import Synchronization
import Training

/// Files of checkpoints that were replaced by better ones. The saved states that are kept may still name them, so each is removed
/// at the first save after they are all written anew.
final class ReplacedFiles: Sendable {
  private let job: String
  private let store: Store
  private let files = Mutex<[(sha256: String, saves: Int)]>([])

  init(_ job: String, _ store: Store) {
    self.job = job
    self.store = store
  }

  func add(_ sha256: String?) {
    if let sha256 { files.withLock { $0.append((sha256, 0)) } }
  }

  /// Called when a state was saved.
  func collect() throws {
    let due = files.withLock { files in
      files = files.map { ($0.sha256, $0.saves + 1) }
      defer { files.removeAll { $0.saves > TrainingRun.savedStates } }
      return files.filter { $0.saves > TrainingRun.savedStates }.map(\.sha256)
    }
    if !due.isEmpty { try store.collect(due, of: job) }
  }
}
