import Synchronization

/// One follower that waits. It is woken once: by a change, by its time, or when its client has gone.
final class Waiter: Sendable {
  private enum State {
    case new
    case waiting(CheckedContinuation<Void, Never>)
    case woken
  }
  private let state = Mutex(State.new)
  let deadline: ContinuousClock.Instant
  let isStream: Bool

  init(until deadline: ContinuousClock.Instant, isStream: Bool) {
    self.deadline = deadline
    self.isStream = isStream
  }

  /// - Parameter register: puts the waiter where it will be woken; false when there is nothing to wait for.
  func wait(_ register: () -> Bool) async {
    guard register() else { return }
    await withCheckedContinuation { continuation in
      let isWoken = state.withLock { state in
        if case .woken = state { return true }
        state = .waiting(continuation)
        return false
      }
      if isWoken { continuation.resume() }
    }
  }

  func wake() {
    let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
      defer { state = .woken }
      guard case .waiting(let continuation) = state else { return nil }
      return continuation
    }
    continuation?.resume()
  }
}
