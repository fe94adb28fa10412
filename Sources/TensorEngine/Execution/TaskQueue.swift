import Dispatch
import Foundation
import Synchronization

/// The tasks of one caller.
///
/// `@unchecked Sendable`: the queue reads and writes its state with its lock only. `count` and `finished` never change. The caller reads
/// `error` after `finished` was signalled.
final class TaskSet: @unchecked Sendable {
  let count: Int
  /// Released before the caller continues: the caller lent it for no longer.
  var body: (@Sendable (_ task: Int, _ context: Int) throws -> Void)?
  let finished = DispatchSemaphore(value: 0)
  var next = 0
  var running = 0
  var freeContexts: [Int]
  var error: (any Error)?

  init(count: Int, width: Int, body: @escaping @Sendable (Int, Int) throws -> Void) {
    self.count = count
    self.body = body
    freeContexts = Array((0..<width).reversed())
  }

  var isExhausted: Bool { next == count || error != nil }
}

/// The tasks that wait for the threads of an engine.
///
/// `@unchecked Sendable`: every access to its state holds the condition's lock, except for the count of submissions, which is atomic.
final class TaskQueue: @unchecked Sendable {
  private let condition = NSCondition()
  private var queue: [TaskSet] = []
  private var dismissed = false
  /// How often tasks have been submitted; read without the lock.
  private let submissions = Atomic(0)

  func submit(_ tasks: TaskSet) {
    condition.withLock {
      queue.append(tasks)
      submissions.add(1, ordering: .releasing)
      condition.broadcast()
    }
  }

  func dismiss() {
    condition.withLock {
      dismissed = true
      condition.broadcast()
    }
  }

  /// The queue that the calling thread serves. A task-local value also holds for a thread outside of Swift's own tasks.
  @TaskLocal static var current: TaskQueue?

  /// The life of a thread of the engine.
  func serve() {
    // Below the threads that serve requests, so that a poll is answered at once while every core trains. On Linux a thread has a nice value
    // of its own.
    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
    Self.$current.withValue(self) { runTasks() }
  }

  private func runTasks() {
    condition.lock()
    defer { condition.unlock() }
    var hasSpun = false
    while true {
      if let (tasks, task, context) = claim() {
        condition.unlock()
        let result = Result { try tasks.body?(task, context) ?? () }
        condition.lock()
        finish(tasks, context, result)
        hasSpun = false
      } else if dismissed {
        return
      } else if hasSpun {
        condition.wait()
        hasSpun = false
      } else {
        spin()
        // Tasks may have come before the lock was taken again: try to claim once more before sleeping.
        hasSpun = true
      }
    }
  }

  /// Waits a little for more tasks without sleeping. A caller that runs one loop after another submits again within microseconds, and to
  /// wake a thread takes longer than that. Called with the lock, which is released meanwhile.
  private func spin() {
    let seen = submissions.load(ordering: .acquiring)
    condition.unlock()
    defer { condition.lock() }
    let end = DispatchTime.now().uptimeNanoseconds + Self.spinTime
    repeat {
      for _ in 0..<64 {
        if submissions.load(ordering: .acquiring) != seen { return }
      }
    } while DispatchTime.now().uptimeNanoseconds < end
  }

  private static let spinTime: UInt64 = 100_000  // nanoseconds

  /// The next task of the first caller that has a free context. That caller then goes to the back of the queue.
  private func claim() -> (TaskSet, task: Int, context: Int)? {
    guard let position = queue.firstIndex(where: { !$0.freeContexts.isEmpty }) else { return nil }
    let tasks = queue.remove(at: position)
    let task = tasks.next
    let context = tasks.freeContexts.removeLast()
    tasks.next += 1
    tasks.running += 1
    if !tasks.isExhausted { queue.append(tasks) }
    return (tasks, task, context)
  }

  private func finish(_ tasks: TaskSet, _ context: Int, _ result: Result<Void, any Error>) {
    tasks.running -= 1
    tasks.freeContexts.append(context)
    if case .failure(let error) = result, tasks.error == nil {
      tasks.error = error
      queue.removeAll { $0 === tasks }
    }
    if tasks.running == 0 && tasks.isExhausted {
      tasks.body = nil
      tasks.finished.signal()
    }
    // The calling thread itself takes the context that became free: no other thread need be woken for it.
  }
}
