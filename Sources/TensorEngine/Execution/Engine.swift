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

  /// Calls `body(task, lane)` for each task in `0..<count` on the team and returns when all have ended.
  ///
  /// - Parameters:
  ///   - width: at most so many tasks run at once; each has a lane in `0..<width` that no other task has meanwhile.
  ///   - body: the first error it throws keeps further tasks from starting and is thrown here.
  package func parallel(_ count: Int, width: Int, _ body: @Sendable (_ task: Int, _ lane: Int) throws -> Void) throws {
    guard count > 0 else { return }
    try withoutActuallyEscaping(body) { body in
      let work = Work(count: count, width: min(max(1, width), threads), body: body)
      team.submit(work)
      work.finished.wait()
      if let error = work.error { throw error }
    }
  }
}

/// Below the threads that serve requests, so that a poll is answered at once while every core trains. On Linux a thread has a nice
/// value of its own.
private func lowerPriority() { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10) }

/// The tasks of one caller. Guarded by the lock of the team, except for what never changes.
private final class Work: @unchecked Sendable {
  let count: Int
  /// Let go of before the caller goes on, for whose stay alone it was lent.
  var body: (@Sendable (Int, Int) throws -> Void)?
  let finished = DispatchSemaphore(value: 0)
  var next = 0
  var running = 0
  var freeLanes: [Int]
  var error: (any Error)?

  init(count: Int, width: Int, body: @escaping @Sendable (Int, Int) throws -> Void) {
    self.count = count
    self.body = body
    freeLanes = Array((0..<width).reversed())
  }

  var isExhausted: Bool { next == count || error != nil }
}

/// The queue that the threads serve.
///
/// `@unchecked Sendable`: every access to its state holds the condition's lock, but for the count of submissions, which is atomic.
private final class Team: @unchecked Sendable {
  private let condition = NSCondition()
  private var queue: [Work] = []
  private var dismissed = false
  /// How often work has been submitted; read without the lock.
  private let submissions = Atomic(0)

  func submit(_ work: Work) {
    condition.withLock {
      queue.append(work)
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
    var hasLookedOut = false
    while true {
      if let (work, task, lane) = claim() {
        condition.unlock()
        let result = Result { try work.body?(task, lane) ?? () }
        condition.lock()
        finish(work, lane, result)
        hasLookedOut = false
      } else if dismissed {
        return
      } else if hasLookedOut {
        condition.wait()
        hasLookedOut = false
      } else {
        lookOut()
        // Work may have come before the lock was had again: another claim, and only then sleep.
        hasLookedOut = true
      }
    }
  }

  /// Waits a little for more work, without sleeping: a caller that goes from one thing to the next has more in a moment, and to wake a
  /// thread takes longer than that. Called with the lock, which is open meanwhile.
  private func lookOut() {
    let seen = submissions.load(ordering: .acquiring)
    condition.unlock()
    defer { condition.lock() }
    let end = DispatchTime.now().uptimeNanoseconds + Self.patience
    repeat {
      for _ in 0..<64 {
        if submissions.load(ordering: .acquiring) != seen { return }
      }
    } while DispatchTime.now().uptimeNanoseconds < end
  }

  private static let patience: UInt64 = 100_000  // nanoseconds

  /// The next task of the first caller that has one and a free lane; that caller goes to the back.
  private func claim() -> (Work, task: Int, lane: Int)? {
    guard let position = queue.firstIndex(where: { !$0.freeLanes.isEmpty }) else { return nil }
    let work = queue.remove(at: position)
    let task = work.next
    let lane = work.freeLanes.removeLast()
    work.next += 1
    work.running += 1
    if !work.isExhausted { queue.append(work) }
    return (work, task, lane)
  }

  private func finish(_ work: Work, _ lane: Int, _ result: Result<Void, any Error>) {
    work.running -= 1
    work.freeLanes.append(lane)
    if case .failure(let error) = result, work.error == nil {
      work.error = error
      queue.removeAll { $0 === work }
    }
    if work.running == 0 && work.isExhausted {
      work.body = nil
      work.finished.signal()
    }
    // A lane that came free is the calling thread's to take: nobody need be woken for it.
  }
}
