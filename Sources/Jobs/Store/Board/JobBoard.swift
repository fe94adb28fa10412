import Dispatch
import Robustness
import Synchronization

/// What is known of jobs in memory: the latest snapshot of each, the events of the last moments, and who waits for a change.
///
/// A change in the store is put up here after its commit, in the order of commits. Polls, waits and event streams read here, and no
/// follower ever holds a connection to the database while it waits.
final class JobBoard: Sendable {
  private let state = Mutex(State())
  /// Safe: set up once, and cancelled when nobody has the board any more.
  nonisolated(unsafe) private let clock: any DispatchSourceTimer

  /// Seconds from one showing to the next, unless the state of a job changes: a run of short epochs has news many times a second, and
  /// hundreds may follow it.
  private static let pace = 1.0
  private static let spread = 0.06
  private let queue = DispatchQueue(label: "temper.board")

  init() {
    clock = DispatchSource.makeTimerSource(queue: queue)
    clock.schedule(deadline: .now() + Self.pace, repeating: Self.pace, leeway: .milliseconds(50))
    clock.setEventHandler { [weak self] in self?.tick() }
    clock.activate()
  }

  deinit { clock.cancel() }

  /// Shows what is new, and wakes those who wait for it and those whose time is up.
  private func tick() {
    let now = ContinuousClock.now
    let woken = state.withLock { state -> [Waiter] in
      let late = state.following.values.filter { $0.deadline <= now }
      return state.entries.values.filter { $0.hasNews || !$0.waiting.isEmpty }.flatMap { entry -> [Waiter] in
        if entry.hasNews { return state.show(entry.current.job.id) }
        return entry.waiting.values.filter { $0.deadline <= now }
      } + late
    }
    for waiter in woken where !waiter.isStream { waiter.wake() }
    // Hundreds of followers at once would wait for each other: streams come a moment later.
    queue.asyncAfter(deadline: .now() + Self.spread) {
      for waiter in woken where waiter.isStream { waiter.wake() }
    }
  }

  // MARK: Snapshots

  /// The snapshot of a job that is shown; `nil` when none is in memory.
  func shown(of id: String) -> JobSnapshot? {
    state.withLock { state in
      state.clock += 1
      state.entries[id]?.used = state.clock
      return state.entries[id]?.shown
    }
  }

  /// The job as it is, shown or not yet; `nil` when it is not in memory.
  func current(of id: String) -> Job? { state.withLock { $0.entries[id]?.current.job } }

  var changes: Int { state.withLock { $0.changes } }

  /// Puts up a job that was read from the store after `changes` had that value, unless anything has changed since.
  func show(_ job: Job, reserved: Int, ifUnchangedSince changes: Int) -> JobSnapshot {
    state.withLock { state in
      if let known = state.entries[job.id]?.shown { return known }
      let snapshot = JobSnapshot(job)
      guard state.changes == changes else { return snapshot }
      state.clock += 1
      state.entries[job.id] = Entry(
        current: snapshot, shown: snapshot, completeFrom: reserved + 1, numbers: EventNumbers(after: reserved), used: state.clock)
      state.forgetEnded()
      return snapshot
    }
  }

  // MARK: Changes of the store

  /// What a transaction that changes a job goes on from.
  struct Lent {
    var numbers: EventNumbers
    /// The last one that was shown; what is stored must be beyond it, or after a restart another state would have a tag of this one.
    let revision: Int
  }

  /// Lends a job to a transaction: until it is over nobody else takes a number or shows a change.
  ///
  /// - Returns: `nil` when the job is not in memory.
  func lend(_ id: String) -> Lent? {
    state.withLock { state in
      state.entries[id]?.isWriting = true
      return state.entries[id].map { Lent(numbers: $0.numbers, revision: $0.current.job.revision) }
    }
  }

  /// A transaction was committed: its jobs as they are now, and its events.
  func publish(_ jobs: [(job: Job, numbers: EventNumbers)], events: [JobEvent], deleted: Set<String>) {
    let woken = state.withLock { state -> [Waiter] in
      state.changes += 1
      var woken: [Waiter] = []
      for (job, numbers) in jobs {
        let own = events.filter { $0.job == job.id }
        state.put(up: job, numbers, events: own)
        if own.contains(where: { $0.kind == .state }) { woken += state.show(job.id) }
      }
      if !events.isEmpty {
        woken += state.following.values
        state.following = [:]
      }
      for id in deleted { woken += state.entries.removeValue(forKey: id)?.waiting.values ?? [:].values }
      state.forgetEnded()
      return woken
    }
    for waiter in woken { waiter.wake() }
  }

  /// A transaction failed: nobody saw the numbers that it took.
  func giveBack(_ ids: Set<String>) {
    state.withLock { state in
      for id in ids { state.flush(id) }
    }
  }

  // MARK: Progress

  /// Shows where a running job stands, to those who poll and, as an event, to those who listen.
  ///
  /// - Returns: false when the reserved numbers are used up: the caller reserves more, and calls again.
  func note(_ progress: JobProgress, of id: String, isEvent: Bool) -> Bool {
    state.withLock { state in
      guard let entry = state.entries[id], !entry.current.job.state.isTerminal else { return true }
      guard !entry.isWriting else {
        state.entries[id]?.delayed = (progress, isEvent || entry.delayed?.isEvent == true)
        return true
      }
      guard !isEvent || !entry.numbers.isUsedUp else { return false }
      state.put(up: progress, of: id, isEvent: isEvent)
      return true
    }
  }

  /// The progress that is only here; `nil` when the job is not in memory.
  func progress(of id: String) -> JobProgress? { state.withLock { $0.entries[id]?.current.job.progress } }

  /// Shows a warning that the store has no room for, until the store has it.
  func note(unstored warning: Warning, of id: String) {
    state.withLock { state in
      guard var entry = state.entries[id], !entry.current.job.warnings.contains(warning) else { return }
      entry.unstored.append(warning)
      guard !entry.isWriting else {
        state.entries[id] = entry
        return
      }
      var job = entry.current.job
      job.warnings.append(warning)
      job.revision += 1
      entry.current = JobSnapshot(job)
      entry.hasNews = true
      state.entries[id] = entry
    }
  }

  func unstoredWarnings(of id: String) -> [Warning] { state.withLock { $0.entries[id]?.unstored ?? [] } }

  // MARK: Followers

  /// What a follower that has the events up to `number` gets now.
  enum Feed {
    /// The next events, at least one.
    case events([LiveEvent])
    /// Those before `completeFrom` have to be read from the store.
    case stored(before: Int)
    case nothing
    /// The job is not in memory.
    case unknown
  }

  /// The number of the last event of a job; `nil` when the job is not in memory.
  func lastEvent(of id: String) -> Int? { state.withLock { $0.entries[id].map { $0.numbers.next - 1 } } }

  func feed(of id: String, after number: Int) -> Feed {
    state.withLock { state in
      guard let entry = state.entries[id] else { return .unknown }
      if number < entry.completeFrom - 1 { return .stored(before: entry.completeFrom) }
      let new = entry.events.suffix(entry.events.reversed().prefix { $0.event.number > number }.count)
      let shown = new.prefix { $0.event.number <= entry.shownUpTo }
      return shown.isEmpty ? .nothing : .events(Array(shown))
    }
  }

  /// Waits, without a thread, until a job changes from `revision` or has an event after `number`; at once when it has.
  ///
  /// - Parameter seconds: at most; the caller looks again what there is.
  func wait(for id: String, revision: Int? = nil, eventAfter number: Int? = nil, atMost seconds: Double) async {
    let waiter = Waiter(until: .now + .seconds(seconds), isStream: number != nil)
    await withTaskCancellationHandler {
      await waiter.wait {
        state.withLock { state in
          guard !state.isEnding, let entry = state.entries[id] else { return false }
          if let revision, entry.shown.job.revision != revision { return false }
          if let number, entry.shownUpTo > number || number < entry.completeFrom - 1 { return false }
          state.entries[id]?.waiting[ObjectIdentifier(waiter)] = waiter
          return true
        }
      }
    } onCancel: {
      waiter.wake()
    }
    state.withLock { _ = $0.entries[id]?.waiting.removeValue(forKey: ObjectIdentifier(waiter)) }
  }

  /// Waits, without a thread, until any job has an event that is stored; at once when there was a change since `changes` had that value.
  func waitForChange(since changes: Int, atMost seconds: Double) async {
    let waiter = Waiter(until: .now + .seconds(seconds), isStream: true)
    await withTaskCancellationHandler {
      await waiter.wait {
        state.withLock { state in
          guard !state.isEnding, state.changes == changes else { return false }
          state.following[ObjectIdentifier(waiter)] = waiter
          return true
        }
      }
    } onCancel: {
      waiter.wake()
    }
    state.withLock { _ = $0.following.removeValue(forKey: ObjectIdentifier(waiter)) }
  }

  /// How many are waiting, for any job or for all.
  var followers: Int { state.withLock { $0.following.count + $0.entries.values.reduce(0) { $0 + $1.waiting.count } } }

  var isEnding: Bool { state.withLock { $0.isEnding } }

  /// Nobody waits any more from now on.
  func end() {
    let woken = state.withLock { state in
      state.isEnding = true
      defer { state.following = [:] }
      return state.entries.keys.flatMap { state.takeWaiting($0) } + state.following.values
    }
    for waiter in woken { waiter.wake() }
  }
}
