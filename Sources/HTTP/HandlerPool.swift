import Dispatch
import Foundation
import Synchronization

/// A fixed number of threads for handlers, which block on files and on the store: on Dispatch's own threads such work starves, and
/// private queues make up to 255 threads. A suspended handler holds none of them.
final class HandlerPool: TaskExecutor {
  /// The waiting jobs, under the condition's lock.
  private final class Waiting: @unchecked Sendable {  // safe: `jobs`, `next` and `ended` are touched with `condition` locked only
    let condition = NSCondition()
    var jobs: [UnownedJob] = []
    var next = 0
    var ended = false

    /// False: the threads have gone.
    func add(_ job: UnownedJob) -> Bool {
      condition.withLock {
        guard !ended else { return false }
        jobs.append(job)
        condition.signal()
        return true
      }
    }

    /// nil: there will be no more.
    func take() -> UnownedJob? {
      condition.withLock {
        while next == jobs.count {
          jobs.removeAll(keepingCapacity: true)
          next = 0
          if ended { return nil }
          condition.wait()
        }
        defer { next += 1 }
        return jobs[next]
      }
    }

    func end() {
      condition.withLock {
        ended = true
        condition.broadcast()
      }
    }
  }

  private let waiting = Waiting()

  init(threads: Int) {
    for index in 0..<max(1, threads) {
      let waiting = waiting
      let thread = Thread { [self] in
        while let job = waiting.take() { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
      }
      thread.name = "http-handler-\(index)"
      // Swift's own threads have as much; the default of a Thread would do for less.
      thread.stackSize = 2 * 1024 * 1024
      thread.start()
    }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    guard !waiting.add(job) else { return }
    // A task that outlived the drain must still be able to end.
    let executor = asUnownedTaskExecutor()
    DispatchQueue.global().async { job.runSynchronously(on: executor) }
  }

  /// Lets the threads end once nothing waits; until then they keep the pool.
  func end() { waiting.end() }
}
