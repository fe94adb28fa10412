import Dispatch
import Synchronization

/// The handling of one request. It waits for a thread first and becomes a task only then, so a request that is withdrawn while it waits
/// leaves nothing behind.
final class HandlerTask: Sendable {
  private enum State: Sendable {
    case waiting(@Sendable () async -> Void)
    case begun(Task<Void, Never>)
    case withdrawn
  }

  /// The uptime in nanoseconds at which it began to wait.
  let since = DispatchTime.now().uptimeNanoseconds
  private let state: Mutex<State>

  init(_ operation: @escaping @Sendable () async -> Void) { state = Mutex(.waiting(operation)) }

  /// Makes the task; its first job goes to `pool`. Does nothing if the request was withdrawn.
  func begin(on pool: HandlerPool) {
    state.withLock {
      guard case .waiting(let operation) = $0 else { return }
      $0 = .begun(Task(executorPreference: pool) { await operation() })
    }
  }

  /// Returns true if it had not begun; it never will. If ``begin(on:)`` is called at the same time, exactly one of the two takes effect.
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
