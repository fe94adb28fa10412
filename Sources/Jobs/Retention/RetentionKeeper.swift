import Files
import Logging
import Synchronization

/// Carries the rules of retention out, at the start, once a day and when it is asked to, and gives back the space that the database has left.
///
/// On a thread of its own, of the usual priority: it holds the one writer of the database for moments, in which a submit waits for it, and at
/// the priority of the housekeeper it would hold it for as long as others want the processor.
package final class RetentionKeeper: Sendable {
  private let store: Store
  private let rules: RetentionRules
  private let logger: Logger
  private let thread = LastingThread("temper-retention")
  /// The owner whose things are to be looked at now; `.some(nil)` for all.
  private let asked = Mutex<String??>(nil)

  package init(_ store: Store, _ rules: RetentionRules, logger: Logger = Logger(label: "temper.store")) {
    self.store = store
    self.rules = rules
    self.logger = logger
  }

  /// - Throws: `StorageError` when no thread can be made.
  package func start() throws { try thread.start { [self] in try work() } }

  /// Ends within a moment.
  package func end() { thread.end() }

  /// Has the rules carried out soon.
  ///
  /// - Parameter owner: only this one's things.
  package func retain(owner: String? = nil) { asked.withLock { $0 = .some(owner) } }

  // MARK: On its thread

  private func work() throws {
    var next = ContinuousClock.now
    while true {
      if let owner = takeAsked() {
        try retainNow(owner)
      } else if rules.isDaily, !rules.isEmpty, ContinuousClock.now >= next {
        try retainNow(nil)
        next = .now + .seconds(86_400)
      }
      try giveBackSpace()
      try thread.rest(0.2)
    }
  }

  private func takeAsked() -> String?? {
    asked.withLock { asked in
      defer { asked = nil }
      return asked
    }
  }

  private func retainNow(_ owner: String?) throws {
    do {
      let plan = try store.retentionPlan(rules, owner: owner)
      guard !plan.removals.isEmpty else { return }
      // Twice as long as a piece took: whoever waited meanwhile goes before the next one.
      let made = try store.carryOut(plan) { seconds in try thread.rest(2 * seconds + 0.01) }
      logger.notice(
        "what the rules of retention name was removed", metadata: ["removals": "\(made)", "planned": "\(plan.removals.count)"])
    } catch let error as LastingThread.Ended {
      throw error
    } catch {
      logger.error("what the rules of retention name could not be removed", metadata: ["error": "\(error)"])
    }
  }

  /// Pieces of the vacuum before the next look at what is asked.
  private static let vacuumPieces = 100
  /// Of the time, at most so much of the writer is the vacuum's.
  private static let vacuumShare = 0.1

  /// Also while jobs run, whose writes never rest for long: in pieces that nobody notices.
  private func giveBackSpace() throws {
    for _ in 0..<Self.vacuumPieces {
      let begun = ContinuousClock.now
      guard (try? store.giveBackSpace()) == true else { return }
      try thread.rest((ContinuousClock.now - begun) / .seconds(1) / Self.vacuumShare)
    }
  }
}
