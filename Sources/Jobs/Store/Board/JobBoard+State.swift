import Robustness

/// What the board holds. Its lock is held in all of this.
extension JobBoard {
  struct Entry {
    /// The job as it is, and as it is shown: what changes within a run is shown at a pace.
    var current: JobSnapshot
    var shown: JobSnapshot
    /// The last event that is shown.
    var shownUpTo = 0
    /// Events from `completeFrom` on, those that the store keeps and those that it does not.
    var events: [LiveEvent] = []
    var completeFrom: Int
    var numbers: EventNumbers
    /// A transaction has given out numbers and is not over: what comes now must wait, or a follower would see a later number first.
    var isWriting = false
    /// Progress that came meanwhile; the latest counts.
    var delayed: (progress: JobProgress, isEvent: Bool)?
    /// Warnings that the store had no room for.
    var unstored: [Warning] = []
    var waiting: [ObjectIdentifier: Waiter] = [:]
    /// Something has changed since it was last shown.
    var hasNews = false
    /// When it was last asked for, to know which to forget.
    var used: UInt64 = 0
  }

  struct State {
    var entries: [String: Entry] = [:]
    /// Grows with every change: a row that was read before a change is not put up after it.
    var changes = 0
    var clock: UInt64 = 0
    var isEnding = false
    /// Those who wait for an event of any job.
    var following: [ObjectIdentifier: Waiter] = [:]
  }
}

extension JobBoard.State {
  /// The most jobs that have ended and are kept in memory.
  private static let mostEnded = 2_048

  mutating func put(up job: Job, _ numbers: EventNumbers, events: [JobEvent]) {
    clock += 1
    var job = job
    var entry =
      entries[job.id]
      ?? JobBoard.Entry(
        current: JobSnapshot(job), shown: JobSnapshot(job), completeFrom: events.first?.number ?? numbers.next, numbers: numbers)
    entry.numbers = numbers
    let before = entry.current.job
    // What is only in memory stays in sight.
    if before.id == job.id, before.attempt == job.attempt, !job.state.isTerminal, before.state == .running || before.state == .pausing {
      let saved = job.progress.savedStep
      job.progress = before.progress
      // But for what was saved since it was last shown: after a restart that is there, under the tag of this change.
      job.progress.savedStep = [saved, before.progress.savedStep].compactMap { $0 }.max()
    }
    entry.unstored.removeAll { job.warnings.contains($0) }
    job.warnings += entry.unstored
    // Stored is a revision beyond all that were shown (`lend`); one that only memory has would come again after a restart.
    job.revision = max(job.revision, before.revision)
    entry.current = JobSnapshot(job)
    entry.append(events)
    entry.isWriting = false
    entry.hasNews = true
    entry.used = clock
    entries[job.id] = entry
    flush(job.id)
  }

  mutating func put(up progress: JobProgress, of id: String, isEvent: Bool) {
    guard var entry = entries[id] else { return }
    var job = entry.current.job
    job.progress = progress
    job.revision += 1
    entry.current = JobSnapshot(job)
    if isEvent {
      entry.append([JobEvent(job: id, number: entry.numbers.take(), kind: .progress, at: .now, data: progress.json)])
    }
    entry.hasNews = true
    entries[id] = entry
  }

  /// The transaction that took numbers is over: shows the progress that came meanwhile.
  mutating func flush(_ id: String) {
    entries[id]?.isWriting = false
    guard let entry = entries[id], let delayed = entry.delayed, !entry.current.job.state.isTerminal else {
      entries[id]?.delayed = nil
      return
    }
    entries[id]?.delayed = nil
    put(up: delayed.progress, of: id, isEvent: delayed.isEvent && !entry.numbers.isUsedUp)
  }

  /// Shows a job as it is.
  ///
  /// - Returns: those who waited for that.
  mutating func show(_ id: String) -> [Waiter] {
    guard var entry = entries[id] else { return [] }
    entry.shown = entry.current
    entry.shownUpTo = entry.events.last?.event.number ?? entry.shownUpTo
    entry.hasNews = false
    entries[id] = entry
    return takeWaiting(id)
  }

  mutating func takeWaiting(_ id: String) -> [Waiter] {
    defer { entries[id]?.waiting = [:] }
    return Array((entries[id]?.waiting ?? [:]).values)
  }

  /// Forgets the jobs that have ended and were not asked for the longest, a quarter of them at once.
  mutating func forgetEnded() {
    // Not each time: it looks at all of them.
    guard clock % 256 == 0, entries.count > Self.mostEnded else { return }
    let ended = entries.filter { $0.value.current.job.state.isTerminal && $0.value.waiting.isEmpty }
    guard ended.count > Self.mostEnded else { return }
    for (id, _) in ended.sorted(by: { $0.value.used < $1.value.used }).prefix(ended.count / 4) { entries[id] = nil }
  }
}

extension JobBoard.Entry {
  /// The most events of a job that are kept in memory: some minutes of progress.
  private static let mostEvents = 512

  mutating func append(_ more: [JobEvent]) {
    events += more.map(LiveEvent.init)
    if events.count > Self.mostEvents {
      events.removeFirst(events.count - Self.mostEvents / 2)
      completeFrom = events.first?.event.number ?? numbers.next
    }
  }
}
