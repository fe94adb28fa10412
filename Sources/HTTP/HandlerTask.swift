import Dispatch
import Synchronization

/// The handling of one request: first something that waits for a thread, then a task. There is no task before a thread has taken it, so
/// that a request whose client went, or who waited too long, leaves nothing behind.
final class HandlerTask: Sendable {
  private enum State: Sendable {
    case waiting(@Sendable () async -> Void)
    case begun(Task<Void, Never>)
    case withdrawn
  }

  /// Uptime in nanoseconds from which it waits.
  let since = DispatchTime.now().uptimeNanoseconds
  private let state: Mutex<State>

  init(_ operation: @escaping @Sendable () async -> Void) { state = Mutex(.waiting(operation)) }

  /// Makes the task, whose first job goes to `pool`. Nothing happens when it was withdrawn.
  func begin(on pool: HandlerPool) {
    state.withLock {
      guard case .waiting(let operation) = $0 else { return }
      $0 = .begun(Task(executorPreference: pool) { await operation() })
    }
  }

  /// True: it had not begun and never will. Of this and ``begin(on:)`` one wins.
  func withdraw() -> Bool {
    // The operation, and with it the request, is released outside the lock.
    let former = state.withLock { state -> State? in
      guard case .waiting = state else { return nil }
      let former = state
      state = .withdrawn
      return former
    }
    return former != nil
  }

  /// Cancels the task if there is one.
  func cancel() {
    if case .begun(let task) = state.withLock({ $0 }) { task.cancel() }
  }
}
