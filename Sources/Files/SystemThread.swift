import Foundation
import Glibc

/// A thread that says when it cannot be made. Foundation's `Thread` does not, and Dispatch tries for ever.
package struct SystemThread: Sendable {
  private let handle: pthread_t

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts it. One that is not joined ends with the process.
  ///
  /// - Parameter stackBytes: `nil` for the system's default.
  /// - Throws: `StorageError` with the code of the call, `EAGAIN` at a limit of threads.
  package init(_ name: String, stackBytes: Int? = nil, _ body: @escaping @Sendable () -> Void) throws(StorageError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    if let stackBytes { pthread_attr_setstacksize(&attributes, stackBytes) }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(
      Body {
        Thread.current.name = name
        body()
      })
    let code = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, box.toOpaque())
    guard code == 0 else {
      box.release()
      throw StorageError("the thread \(name) cannot be made", errno: code)
    }
    handle = thread
  }

  /// Waits for its end. To be called once.
  package func join() { pthread_join(handle, nil) }

  /// Nobody will wait for it: what it holds is freed at its end. To be called in the place of `join`.
  package func detach() { pthread_detach(handle) }

  /// Makes so many threads at once, each with a stack of the usual size, and ends them.
  ///
  /// - Returns: how many could be made, at most `count`.
  package static func possible(_ count: Int) -> Int {
    let gate = NSLock()
    gate.lock()
    var threads: [SystemThread] = []
    while threads.count < count {
      guard let thread = try? SystemThread("temper-probe", { gate.withLock {} }) else { break }
      threads.append(thread)
    }
    gate.unlock()
    for thread in threads { thread.join() }
    return threads.count
  }
}
