import Files
import Foundation
import Glibc
import Robustness
import Synchronization

/// Lets a running job wait for room on the disk, for descriptors, for the lock of the database, or for the data directory and the right to
/// write to it. The job stays in memory, shows a warning, and then continues.
///
/// It is what `waitForRoom` is in a service. `waitingOutShortage` asks it after each failed write of a run, `BackgroundSaver` after a failed
/// save, and `whenThereIsRoom` wraps what the worker itself stores. The end of a job, after its run, is tried again by `Workers`.
final class RoomForJob: Sendable {
  private let id: String
  private let store: Store
  private let control: RunControl
  /// The job's own thread. The engine's threads work for all jobs: they must not wait here.
  private let thread = pthread_self()
  /// When the disk was last looked at; an attempt looks before its first step.
  private let looked = Mutex<ContinuousClock.Instant?>(nil)

  /// Must be called on the job's thread.
  init(_ id: String, _ store: Store, _ control: RunControl) {
    self.id = id
    self.store = store
    self.control = control
  }

  /// Calls `write` until it does not fail for lack of room.
  ///
  /// - Throws: an interruption of the job, and every error that waiting cannot fix.
  func whenThereIsRoom<Value>(_ write: () throws -> Value) throws -> Value {
    while true {
      do { return try write() } catch let error as StorageError { try wait(for: error) }
    }
  }

  /// Waits before another try.
  ///
  /// - Throws: the error itself if waiting cannot fix it; an interruption of the job.
  func wait(for error: StorageError) throws {
    guard let warning = warning(of: error) else { return try makeFolders(after: error) }
    store.show(warning, of: id)
    repeat {
      Thread.sleep(forTimeInterval: Self.pause)
      try control.check()
    } while store.directory.obstacle(for: id) != nil || error.isFull && !store.directory.space.hasRoom()
  }

  /// - Returns: `nil` when nothing is known that could pass.
  private func warning(of error: StorageError) -> Warning? {
    if !store.directory.isThere { return Self.gone }
    if error.isFull { return Self.diskFull }
    if error.isShortage { return Self.noDescriptors }
    if error.isLock { return Self.locked }
    return error.isRefusalOfDisk || store.directory.obstacle(for: id) != nil ? Self.notWritable : nil
  }

  /// Somebody may have removed a folder within the data directory.
  ///
  /// - Throws: the error itself when no folder was missing.
  private func makeFolders(after error: StorageError) throws {
    guard error.code == ENOENT, try store.directory.makeFolders(for: id) else { throw error }
  }

  /// The same as `require`. Does nothing on other threads.
  func requireOnJobThread() throws {
    if pthread_equal(thread, pthread_self()) != 0 { try require() }
  }

  /// Checks once a second that the disk is not at its reserve and the data directory can be used.
  ///
  /// - Throws: `StorageError`.
  func require() throws {
    let now = ContinuousClock.now
    let isDue = looked.withLock { looked in
      if let last = looked, now - last <= .seconds(1) { return false }
      looked = now
      return true
    }
    if isDue { try store.requireRoom() }
  }

  private static let pause = 0.25

  private static let diskFull = Warning(
    code: "disk_full",
    detail: """
      The service's disk was full up to its reserve. As long as it is, the job waits in memory, and then it goes on; nothing of it is lost.
      """)
  private static let gone = Warning(
    code: "storage_gone",
    detail: """
      The service's data directory was not there. As long as it is away, the job waits in memory, and then it goes on; nothing of it is lost.
      """)
  private static let notWritable = Warning(
    code: "storage_not_writable",
    detail: """
      The service could not write to its data directory: it was read-only, a right was missing, or something else was in the place of a \
      folder. As long as that is so, the job waits in memory, and then it goes on; nothing of it is lost.
      """)
  private static let locked = Warning(
    code: "database_locked",
    detail: """
      Another process held the lock of the service's database. As long as it does, the job waits in memory, and then it goes on; nothing of \
      it is lost.
      """)
  private static let noDescriptors = Warning(
    code: "out_of_descriptors",
    detail: """
      The service had no file descriptor left. As long as there is none, the job waits; raise the limit of open files, or lower connections.max.
      """)
}
