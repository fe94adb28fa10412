import Dispatch
import Files
import Synchronization

/// Saves what a long computation holds, on a queue of its own and no more often than its cost allows.
///
/// A save has two halves: the content is copied on the thread that asks for it, and written on the queue. Never is anything copied while
/// the one before it is being written, so that the same buffers serve each time.
package final class BackgroundSaver<Content: Sendable>: Sendable {
  private let interval: Double
  private let write: @Sendable (Content) throws -> Int
  private let waitForRoom: @Sendable (StorageError) throws -> Void
  private let queue = DispatchQueue(label: "temper.saver")
  /// Entered while a save is under way.
  private let underWay = DispatchGroup()
  private let state: Mutex<State>

  private struct State {
    var isBusy = false
    /// A save without regard to the interval was asked for while another was under way.
    var isWanted = false
    /// When the last one began.
    var begun: Double
    /// How long after that the next may begin, for what the last one cost.
    var pause = 0.0
    var failure: (any Error)?
  }

  /// - Parameters:
  ///   - interval: seconds from the beginning of a save to that of the next, at the least.
  ///   - waitForRoom: called when there is no room or no descriptor. Returns when it is worth trying again; may throw.
  ///   - write: puts the content onto the disk and returns the number of its bytes. One call at a time.
  package init(
    interval: Double, waitForRoom: @escaping @Sendable (StorageError) throws -> Void, write: @escaping @Sendable (Content) throws -> Int
  ) {
    self.interval = interval
    self.waitForRoom = waitForRoom
    self.write = write
    state = Mutex(State(begun: PhaseTimes.now()))
  }

  /// Begins a save when one is due and none is under way. To be called from any thread, while nothing changes what is saved.
  ///
  /// - Parameters:
  ///   - waiving: whether it is due before the interval is over.
  ///   - content: copies what is to be saved.
  package func saveIfDue(waivingInterval waiving: Bool = false, _ content: () -> Content) {
    let begun = PhaseTimes.now()
    guard claim(at: begun, waiving ? .soon : .whenDue) else { return }
    let content = content()
    let copying = PhaseTimes.now() - begun
    queue.async { [self] in finish(writing(content), copying) }
  }

  /// Saves on the calling thread, after the save that is under way.
  ///
  /// - Throws: what `write` throws, but for a shortage, which is waited out; what `waitForRoom` throws.
  package func saveNow(_ content: () -> Content) throws {
    while !claim(at: PhaseTimes.now(), .now) { underWay.wait() }
    defer { finish(0, 0) }
    let content = content()
    _ = try waitingOutShortage(waitForRoom) { try write(content) }
  }

  /// Waits for the save that is under way.
  package func wait() { underWay.wait() }

  /// - Throws: the error that ended a save in the background, unless it was a shortage: that one is tried again when the next is due.
  package func check() throws {
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }

  private enum Urgency {
    /// After the interval, and after the pause that the last save's cost asks for.
    case whenDue
    /// After that pause. It is remembered when it cannot be yet.
    case soon
    /// At once.
    case now
  }

  /// Takes the right to save; false while another save is under way or it is too early.
  private func claim(at now: Double, _ urgency: Urgency) -> Bool {
    state.withLock { state in
      if urgency != .now {
        state.isWanted = state.isWanted || urgency == .soon
        let pause = max(state.pause, state.isWanted ? 0 : interval)
        guard now - state.begun >= pause else { return false }
      }
      guard !state.isBusy else { return false }
      state.isBusy = true
      state.isWanted = false
      state.begun = now
      underWay.enter()
      return true
    }
  }

  /// - Returns: what the next save waits for, in seconds from the beginning of this one.
  private func writing(_ content: Content) -> Double {
    let begun = PhaseTimes.now()
    do {
      let bytes = try write(content)
      // A small file's time is the disk's, which nobody waits for.
      return bytes > Self.smallBytes ? (PhaseTimes.now() - begun) / Self.writingShare : 0
    } catch let shortage as StorageError where shortage.mayPass {
      // Whoever is told may wait here as long as it wants; what it throws ends the run by its own ways, but for a folder that stays away.
      do { try waitForRoom(shortage) } catch { if !shortage.isFull, !shortage.isShortage { note(error) } }
    } catch {
      note(error)
    }
    return 0
  }

  private func note(_ failure: any Error) { state.withLock { $0.failure = $0.failure ?? failure } }

  private func finish(_ pause: Double, _ copying: Double) {
    state.withLock { state in
      state.pause = max(pause, copying > Self.freeSeconds ? copying / Self.copyingShare : 0)
      state.isBusy = false
      underWay.leave()
    }
  }
}

/// Of the time of the thread that copies, and of the time in which a large file is written: the most that saving takes.
extension BackgroundSaver {
  private static var copyingShare: Double { 0.02 }
  private static var writingShare: Double { 0.1 }
  /// A copy that is made in so many seconds takes no more than its share of an interval of one second.
  private static var freeSeconds: Double { 0.02 }
  private static var smallBytes: Int { 8 << 20 }
}
