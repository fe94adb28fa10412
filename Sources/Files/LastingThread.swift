import Dispatch
import Synchronization

/// A thread that works in the background until it is told to end.
package final class LastingThread: Sendable {
  /// Thrown by `rest` when the thread is to end.
  package struct Ended: Error {
    package init() {}
  }

  private let name: String
  private let isToEnd = Atomic<Bool>(false)
  /// Wakes it from its rest when it is to end.
  private let wake = DispatchSemaphore(value: 0)
  private let ended = DispatchGroup()

  package init(_ name: String) { self.name = name }

  /// Runs `body` on the thread; what it throws ends it.
  ///
  /// - Throws: `StorageError` when no thread can be made.
  package func start(_ body: @escaping @Sendable () throws -> Void) throws(StorageError) {
    ended.enter()
    do throws(StorageError) {
      try SystemThread(name) { [ended] in
        try? body()
        ended.leave()
      }.detach()
    } catch {
      ended.leave()
      throw error
    }
  }

  /// Returns when it has ended: within a moment, if `body` rests now and then.
  package func end() {
    isToEnd.store(true, ordering: .sequentiallyConsistent)
    wake.signal()
    ended.wait()
  }

  /// For `body`: waits, and does something small every tenth of a second meanwhile.
  ///
  /// - Throws: `Ended` when the thread is to end.
  package func rest(_ seconds: Double, meanwhile: () -> Void = {}) throws(Ended) {
    let end = ContinuousClock.now + .seconds(seconds)
    repeat {
      if isToEnd.load(ordering: .sequentiallyConsistent) { throw Ended() }
      meanwhile()
      _ = wake.wait(timeout: .now() + min(0.1, seconds))
    } while ContinuousClock.now < end
  }
}
