import Files
import Foundation
import GRDB
import Glibc
import Logging
import Synchronization
import TensorEngine

/// What the store needs done in quiet moments, on a thread of its own: the log emptied, old remains removed, every file hashed now and
/// then, the database checked.
package final class Housekeeper: Sendable {
  package struct Settings: Sendable {
    /// Days after which the saved state of a failed job goes: until then the job can be resumed.
    package var failedStateDays = 7.0
    /// Days after which the state goes that the training of a succeeded job ended with: until then a job that extends it goes on with the
    /// same optimiser.
    package var succeededStateDays = 7.0
    /// Days after which what lies in lost+found goes.
    package var lostDays = 30.0
    /// How fast files are read to see whether they are still whole; 0: not at all.
    package var scrubBytesPerSecond = 4 << 20

    package init() {}
  }

  private let store: Store
  private let settings: Settings
  private let logger: Logger
  private let thread = LastingThread("temper-housekeeper")

  package init(_ store: Store, settings: Settings = Settings(), logger: Logger = Logger(label: "temper.store")) {
    self.store = store
    self.settings = settings
    self.logger = logger
  }

  /// - Throws: `StorageError` when no thread can be made.
  package func start() throws {
    try thread.start { [self] in
      // Only what nobody else wants of the processor.
      setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
      try work()
    }
  }

  /// Ends within a moment.
  package func end() { thread.end() }

  // MARK: On its thread

  private let lookedForRoom = Mutex<ContinuousClock.Instant?>(nil)
  /// What was in the way of the data directory when it was last looked at.
  private let obstacle = Mutex<StorageError?>(nil)

  private func work() throws {
    checkDatabase()
    while true {
      clear()
      let begun = ContinuousClock.now
      try scrub()
      try rest(max(60, 86_400 - (ContinuousClock.now - begun) / .seconds(1)))
    }
  }

  private func rest(_ seconds: Double) throws {
    try thread.rest(seconds) {
      lookForDirectory()
      makeRoom()
      tidyUp()
    }
  }

  private func lookForDirectory() {
    let found = store.directory.obstacle()
    let before = obstacle.withLock { known in
      defer { known = found }
      return known
    }
    guard found != before else { return }
    guard let found else { return logger.notice("the data directory can be used again") }
    logger.critical(
      found.code == ENOENT
        ? """
        the data directory, its lock, its files or its database was removed or replaced: nothing can be stored until it is back as it was, \
        or the service is started anew
        """ : "the data directory cannot be used: nothing can be stored until it can; jobs wait",
      metadata: ["error": "\(found)"])
  }

  /// Once the service has come to rest: empties the log, and gives back what was freed.
  private func tidyUp() {
    guard ContinuousClock.now - store.database.load.lastWrite > .seconds(2), store.database.logBytes > 0 else { return }
    _ = try? store.database.truncateLog()
    ProcessMemory.giveBack()
  }

  private func checkDatabase() {
    do {
      guard let faults = try store.database.check(full: true, within: 3_600), !faults.isEmpty else { return }
      logger.critical("the database is damaged: stop the service and run temper fsck", metadata: ["faults": "\(faults)"])
    } catch {
      logger.error("the database could not be checked", metadata: ["error": "\(error)"])
    }
  }

  private func clear() {
    for name in store.directory.lost.clear(olderThan: settings.lostDays * 86_400) {
      logger.notice("removed from lost+found", metadata: ["name": "\(name)", "days": "\(settings.lostDays)"])
    }
    do { try store.collectReleased() } catch {
      logger.warning("released files stay for now", metadata: ["error": "\(error)"])
    }
    removeStates(of: .failed, olderThan: settings.failedStateDays)
    removeStates(of: .succeeded, olderThan: settings.succeededStateDays)
  }

  private func removeStates(of state: JobState, olderThan days: Double) {
    do {
      for id in try store.jobs(in: state, endedBefore: Timestamp.now.advanced(bySeconds: -days * 86_400)) {
        Folder.remove(store.directory.job(id))
      }
    } catch {
      logger.error("the saved states of jobs that have ended could not be removed", metadata: ["error": "\(error)"])
    }
  }

  /// Nothing waits for room that only an extension of a job would want.
  private func makeRoom() {
    let now = ContinuousClock.now
    let isDue = lookedForRoom.withLock { looked in
      guard looked.map({ now - $0 > .seconds(1) }) ?? true else { return false }
      looked = now
      return true
    }
    if isDue, !store.directory.space.hasRoom() { removeStates(of: .succeeded, olderThan: 0) }
  }

  /// Hashes every file once, once a day, no faster than it may.
  private func scrub() throws {
    guard settings.scrubBytesPerSecond > 0, let files = try? store.resourcesByFile() else { return }
    for (sha256, resource) in files {
      do {
        _ = try store.check(sha256, of: resource) { bytes in try rest(Double(bytes) / Double(settings.scrubBytesPerSecond)) }
      } catch let error as StorageError {
        logger.warning("a file could not be checked", metadata: ["sha256": "\(sha256)", "error": "\(error)"])
      }
    }
  }
}

extension Store {
  /// Jobs that ended so before a moment and whose folders are still there.
  func jobs(in state: JobState, endedBefore moment: Timestamp) throws -> [String] {
    let folders = Set(Folder.names(in: directory.root.appendingPathComponent("jobs")))
    return try database.read { db in
      try String.fetchAll(
        db, sql: "SELECT id FROM jobs WHERE state = ? AND finished_at < ?", arguments: [state.rawValue, moment.milliseconds])
    }.filter(folders.contains)
  }
}
