import Foundation
import Synchronization

/// How long a change waits while another process holds the lock of the database.
///
/// The one connection that writes waits, and every change behind it. So the time is counted from when the lock was met first, and not for
/// each change anew: those that come once it has lasted too long fail at once, and no request waits for the patience of those before it.
package final class LockPatience: Sendable {
  /// Longer than a look or a copy by another program takes, shorter than anybody waits for an answer.
  package static let usual = 2.0

  private struct State {
    /// When the lock was met first and last; `nil` once a change got through.
    var met: (first: ContinuousClock.Instant, last: ContinuousClock.Instant)?
    var isOff = false
  }

  private let seconds: Double
  private let state = Mutex(State())

  init(seconds: Double = usual) { self.seconds = seconds }

  /// Asked by SQLite, on the thread of whoever wants the lock; it sleeps for a moment before it says yes.
  ///
  /// - Parameter tries: how often this change has been tried.
  func waits(tries: Int) -> Bool {
    let isWorthIt = state.withLock { state in
      guard !state.isOff else { return false }
      let now = ContinuousClock.now
      // A lock that nobody has met for a while is another one.
      let known = state.met.flatMap { now - $0.last < .seconds(Self.memory) ? $0.first : nil }
      let first = known ?? now
      state.met = (first, now)
      return now - first < .seconds(seconds) || tries < Self.fewestTries
    }
    if isWorthIt { Thread.sleep(forTimeInterval: Self.pause) }
    return isWorthIt
  }

  /// The lock was had.
  func gotThrough() { state.withLock { $0.met = nil } }

  /// Without any waiting: for what may as well be done later, such as a checkpoint that readers are in the way of.
  func suspended<Value>(_ body: () throws -> Value) rethrows -> Value {
    state.withLock { $0.isOff = true }
    defer { state.withLock { $0.isOff = false } }
    return try body()
  }

  private static let pause = 0.005
  private static let fewestTries = 4
  private static let memory = 3.0
}
