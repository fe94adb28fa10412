import Dispatch
import Foundation

/// The process's one team of threads, a thread per core, shared by every job.
///
/// Tasks of several callers are interleaved fairly. Which thread runs a task never changes its result.
package final class Engine: Sendable {
  /// The number of threads in the team.
  package let threads: Int
  /// What has been compiled for the jobs that share the team.
  package let programs: ProgramCache
  private let queue = TaskQueue()

  /// - Parameter threads: at least 1; by default one for each core.
  package init(threads: Int = ProcessInfo.processInfo.activeProcessorCount, programs: ProgramCache = ProgramCache()) {
    self.programs = programs
    self.threads = max(1, threads)
    for index in 0..<self.threads {
      let thread = Thread { [queue] in queue.serve() }
      thread.name = "engine-\(index)"
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  deinit { queue.dismiss() }

  /// Calls `body(task)` for each task in `0..<count` on the team and returns when all have ended.
  ///
  /// - Parameters:
  ///   - width: the most tasks that run at once.
  ///   - body: the first error that it throws keeps further tasks from starting and is thrown here.
  package func parallel(_ count: Int, width: Int, _ body: @Sendable (_ task: Int) throws -> Void) throws {
    try run(count, width: width) { task, _ in try body(task) }
  }

  /// Calls `body(task, context)` for each task in `0..<count`, each with a context that no other task has meanwhile.
  ///
  /// - Parameter contexts: as many tasks run at once as there are contexts and threads.
  package func parallel<Context>(
    _ count: Int, over contexts: [Context], _ body: @Sendable (_ task: Int, _ context: Context) throws -> Void
  ) throws {
    let lent = Lent(contexts)
    try run(count, width: contexts.count) { task, index in try body(task, lent.contexts[index]) }
  }

  /// Calls `body(index, element)` for each element, in a task of its own.
  ///
  /// - Parameter width: the most tasks that run at once.
  package func parallel<Element>(
    each elements: [Element], width: Int, _ body: @Sendable (_ index: Int, _ element: Element) throws -> Void
  ) throws {
    let lent = Lent(elements)
    try run(elements.count, width: width) { task, _ in try body(task, lent.contexts[task]) }
  }

  /// Whether the calling thread runs a task of this engine.
  package var isRunningTask: Bool { TaskQueue.current === queue }

  private func run(_ count: Int, width: Int, _ body: @Sendable (_ task: Int, _ context: Int) throws -> Void) throws {
    precondition(
      !isRunningTask, "a task of the engine waits for further tasks of the same engine: with every thread waiting, none would run")
    guard count > 0 else { return }
    try withoutActuallyEscaping(body) { body in
      let tasks = TaskSet(count: count, width: min(max(1, width), threads), body: body)
      queue.submit(tasks)
      tasks.finished.wait()
      if let error = tasks.error { throw error }
    }
  }
}

/// What a caller lends to its tasks.
///
/// `@unchecked Sendable`: the engine gives an element to one task at a time, and the lock of the queue orders one task's use before the next
/// one's. The caller waits meanwhile, and does not touch the elements.
private struct Lent<Context>: @unchecked Sendable {
  let contexts: [Context]
  init(_ contexts: [Context]) { self.contexts = contexts }
}
