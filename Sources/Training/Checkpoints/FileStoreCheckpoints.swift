import Files
import Synchronization

/// Checkpoints as files named by their digest. None takes the place of another, so that a download never mixes two.
///
/// Of each role the latest two are kept from being removed as long as this value lives: the one that its owner is being told of, and the
/// one that the owner names until then.
package final class FileStoreCheckpoints: CheckpointStorage {
  private let store: FileStore
  private let kept = Mutex<[CheckpointRole: [KeptFile]]>([:])

  package init(_ store: FileStore) { self.store = store }

  package func write(_ role: CheckpointRole, _ body: (NewFile) throws -> Void) throws -> (bytes: Int, sha256: String) {
    let file = try store.write(body)
    keep(file, as: role)
    return (file.bytes, file.sha256)
  }

  package func open(_ checkpoint: Checkpoint) throws -> OpenFile {
    let file = store.keep(checkpoint.sha256, bytes: checkpoint.bytes)
    let open = try store.open(checkpoint.sha256)
    keep(file, as: checkpoint.role)
    return open
  }

  private func keep(_ file: KeptFile, as role: CheckpointRole) {
    kept.withLock { kept in
      let others = kept[role, default: []].filter { $0.sha256 != file.sha256 }
      kept[role] = others.suffix(1) + [file]
    }
  }
}
