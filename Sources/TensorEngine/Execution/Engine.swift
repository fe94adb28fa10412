import Dispatch
import Foundation
import Synchronization

/// The process's one team of threads, a thread per core, shared by every job.
///
/// Tasks of several callers are interleaved fairly; which thread runs a task never changes its result.
package final class Engine: Sendable {
  /// The number of threads in the team.
  package let threads: Int
  /// What has been compiled for the jobs that share the team.
  package let programs: ProgramCache
  private let team = Team()

  /// - Parameter threads: at least 1; by default one for each core.
  package init(threads: Int = ProcessInfo.processInfo.activeProcessorCount, programs: ProgramCache = ProgramCache()) {
    self.programs = programs
    self.threads = max(1, threads)
    for index in 0..<self.threads {
      let thread = Thread { [team] in
        lowerPriority()
        team.serve()
      }
      thread.name = "engine-\(index)"
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  deinit { team.dismiss() }

  /// Calls `body(task, worker)` for each task in `0..<count` on the team and returns when all have ended.
  ///
  /// - Parameters:
  ///   - width: at most so many tasks run at once; each has a worker in `0..<width` that no other task has meanwhile.
  ///   - body: the first error it throws keeps further tasks from starting and is thrown here.
  package func parallel(_ count: Int, width: Int, _ body: @Sendable (_ task: Int, _ worker: Int) throws -> Void) throws {
    guard count > 0 else { return }
    try withoutActuallyEscaping(body) { body in
      let tasks = TaskSet(count: count, width: min(max(1, width), threads), body: body)
      team.submit(tasks)
      tasks.finished.wait()
      if let error = tasks.error { throw error }
    }
  }
}

/// Below the threads that serve requests, so that a poll is answered at once while every core trains. On Linux a thread has a nice
/// value of its own.
private func lowerPriority() { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10) }

/// The tasks of one caller. Guarded by the lock of the team, except for what never changes.
private final class TaskSet: @unchecked Sendable {
  let count: Int
  /// Let go of before the caller goes on, for whose stay alone it was lent.
  var body: (@Sendable (Int, Int) throws -> Void)?
  let finished = DispatchSemaphore(value: 0)
  var next = 0
  var running = 0
  var freeWorkers: [Int]
  var error: (any Error)?

  init(count: Int, width: Int, body: @escaping @Sendable (Int, Int) throws -> Void) {
    self.count = count
    self.body = body
    freeWorkers = Array((0..<width).reversed())
  }

  var isExhausted: Bool { next == count || error != nil }
}

/// The queue that the threads serve.
///
/// `@unchecked Sendable`: every access to its state holds the condition's lock, but for the count of submissions, which is atomic.
private final class Team: @unchecked Sendable {
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

  func serve() {
    condition.lock()
    defer { condition.unlock() }
    var hasSpun = false
    while true {
      if let (tasks, task, worker) = claim() {
        condition.unlock()
        let result = Result { try tasks.body?(task, worker) ?? () }
        condition.lock()
        finish(tasks, worker, result)
        hasSpun = false
      } else if dismissed {
        return
      } else if hasSpun {
        condition.wait()
        hasSpun = false
      } else {
        spin()
        // Tasks may have come before the lock was had again: another claim, and only then sleep.
        hasSpun = true
      }
    }
  }

  /// Waits a little for more tasks, without sleeping: a caller that goes from one thing to the next has more in a moment, and to wake a
  /// thread takes longer than that. Called with the lock, which is open meanwhile.
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

  /// The next task of the first caller that has one and a free worker; that caller goes to the back.
  private func claim() -> (TaskSet, task: Int, worker: Int)? {
    guard let position = queue.firstIndex(where: { !$0.freeWorkers.isEmpty }) else { return nil }
    let tasks = queue.remove(at: position)
    let task = tasks.next
    let worker = tasks.freeWorkers.removeLast()
    tasks.next += 1
    tasks.running += 1
    if !tasks.isExhausted { queue.append(tasks) }
    return (tasks, task, worker)
  }

  private func finish(_ tasks: TaskSet, _ worker: Int, _ result: Result<Void, any Error>) {
    tasks.running -= 1
    tasks.freeWorkers.append(worker)
    if case .failure(let error) = result, tasks.error == nil {
      tasks.error = error
      queue.removeAll { $0 === tasks }
    }
    if tasks.running == 0 && tasks.isExhausted {
      tasks.body = nil
      tasks.finished.signal()
    }
    // A worker that came free is the calling thread's to take: nobody need be woken for it.
  }
}
