import Dispatch
import Foundation

/// A fixed number of threads for handlers, which block on files and on the store: on Dispatch's own threads such work starves, and
/// private queues make up to 255 threads. A suspended handler holds none of them.
final class HandlerPool: TaskExecutor {
  let threads: Int
  private let queue = HandlerQueue()

  init(threads: Int) {
    self.threads = max(1, threads)
    for index in 0..<self.threads {
      let thread = Thread { [self] in work() }
      thread.name = "http-handler-\(index)"
      // Swift's own threads have as much; the default of a Thread would do for less.
      thread.stackSize = 2 * 1024 * 1024
      thread.start()
    }
  }

  var figures: HandlerQueue.Figures { queue.figures }

  /// Begins with the request as soon as a thread is free.
  func submit(_ task: HandlerTask) {
    // A request that comes behind the end must still be able to end.
    if !queue.add(.request(task)) { DispatchQueue.global().async { task.begin(on: self) } }
  }

  /// True: the request had not begun and never will.
  func withdraw(_ task: HandlerTask) -> Bool {
    guard task.withdraw() else { return false }
    queue.remove(task)
    return true
  }

  /// Takes the request out, or cancels its task where it has begun.
  func cancel(_ task: HandlerTask) {
    if !withdraw(task) { task.cancel() }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if FirstJob.take(job) { return }
    guard !queue.add(.job(job)) else { return }
    // A task that outlived the drain must still be able to end.
    let executor = asUnownedTaskExecutor()
    DispatchQueue.global().async { job.runSynchronously(on: executor) }
  }

  /// Lets the threads end once nothing waits; until then they keep the pool.
  func end() { queue.end() }

  private func work() {
    let executor = asUnownedTaskExecutor()
    var finished = false
    while let item = queue.take(finished: finished) {
      switch item {
      case .job(let job): job.runSynchronously(on: executor)
      // The request has waited its time: its task begins here and now, not behind all that came later.
      case .request(let task): FirstJob.made(by: { task.begin(on: self) })?.runSynchronously(on: executor)
      }
      finished = true
    }
  }
}
