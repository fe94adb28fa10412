import Files
import Logging
import Synchronization

/// Makes the jobs of schedules when they are due.
///
/// It asks only which due minute is the last, and whether that one has its run. So what was missed while the service was down is made once, and
/// a clock that is set back makes nothing again: a minute that comes a second time has its run.
package final class Scheduler: Sendable {
  private let store: Store
  private let check: @Sendable (Viewer) -> SpecCheck
  private let wake: @Sendable () -> Void
  private let logger: Logger
  /// The last due minute of each schedule that is known to have its run.
  private let settled = Mutex<[String: Timestamp]>([:])
  private let thread = LastingThread("temper-schedules")

  /// - Parameters:
  ///   - check: of specs that name only what their owner sees.
  ///   - wake: called after a job was made.
  package init(
    _ store: Store, logger: Logger = Logger(label: "temper.jobs"), wake: @escaping @Sendable () -> Void = {},
    check: @escaping @Sendable (Viewer) -> SpecCheck
  ) {
    self.store = store
    self.logger = logger
    self.wake = wake
    self.check = check
  }

  /// Looks every second, on a thread of its own: a spec is checked there, which may take a while.
  ///
  /// - Throws: `StorageError` when no thread can be made.
  package func start() throws {
    try thread.start { [self] in
      while true {
        tick(at: .now)
        try thread.rest(1)
      }
    }
  }

  /// Returns when nothing is being made any more.
  package func end() { thread.end() }

  /// Makes what is due at a moment. To be called by one thread at a time.
  package func tick(at now: Timestamp) {
    do {
      for schedule in try store.schedulesForClock() {
        guard let due = schedule.due(at: now), settled.withLock({ $0[schedule.id] }) != due else { continue }
        if try !store.hasRun(schedule.id, dueAt: due) { try make(schedule, due, now) }
        settled.withLock { $0[schedule.id] = due }
      }
    } catch {
      // The disk is full or away: the next look tries again.
      logger.warning("a scheduled job could not be made yet", metadata: ["error": "\(error)"])
    }
  }

  private func make(_ schedule: JobSchedule, _ due: Timestamp, _ now: Timestamp) throws {
    do {
      let accepted = try check(Viewer(owner: schedule.owner)).accept(schedule.document)
      try store.requireRoom()
      if try store.makeRun(of: schedule, dueAt: due, accepted, at: now) != nil { wake() }
    } catch let error as SpecFaults {
      let faults = error.faults.prefix(3).map { "\($0.pointer) \($0.detail)" }.joined(separator: "; ")
      try fail(schedule, due, "The spec cannot run any more: \(faults).", now)
    } catch let error as QuotaExceeded {
      try fail(schedule, due, "\(error).", now)
    }
  }

  private func fail(_ schedule: JobSchedule, _ due: Timestamp, _ reason: String, _ now: Timestamp) throws {
    logger.warning("no job could be made of a schedule", metadata: ["schedule": "\(schedule.id)", "reason": "\(reason)"])
    try store.noteFailedRun(of: schedule, dueAt: due, reason, at: now)
  }
}
