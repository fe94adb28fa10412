import Dispatch
import Foundation

/// A fixed number of threads for handlers. Handlers block on files and on the store. On Dispatch's shared threads such work would starve,
/// and private queues make up to 255 threads. A suspended handler holds no thread.
final class HandlerPool: TaskExecutor {
  let threads: Int
  private let queue = HandlerQueue()

  init(threads: Int) {
    self.threads = max(1, threads)
    for index in 0..<self.threads {
      let thread = Thread { [self] in work() }
      thread.name = "http-handler-\(index)"
      // The same stack as Swift's own threads; a Thread's default is smaller.
      thread.stackSize = 2 * 1024 * 1024
      thread.start()
    }
  }

  var figures: HandlerQueue.Figures { queue.figures }

  /// Runs the request as soon as a thread is free.
  func submit(_ task: HandlerTask) {
    // A request that comes after `end` must still be able to finish.
    if !queue.add(.request(task)) { DispatchQueue.global().async { task.begin(on: self) } }
  }

  /// Returns true if the request had not begun; it never will.
  func withdraw(_ task: HandlerTask) -> Bool {
    guard task.withdraw() else { return false }
    queue.remove(task)
    return true
  }

  /// Removes the request from the queue, or cancels its task if it has begun.
  func cancel(_ task: HandlerTask) {
    if !withdraw(task) { task.cancel() }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if FirstTaskStep.take(job) { return }
    guard !queue.add(.continuation(job)) else { return }
    // A task that outlived the drain must still be able to finish.
    let executor = asUnownedTaskExecutor()
    DispatchQueue.global().async { job.runSynchronously(on: executor) }
  }

  /// Ends the threads once the queue is empty. Until then they keep the pool alive.
  func end() { queue.end() }

  private func work() {
    let executor = asUnownedTaskExecutor()
    var finished = false
    while let item = queue.take(finished: finished) {
      switch item {
      case .continuation(let step): step.runSynchronously(on: executor)
      // The task's first step runs here and now. Queued in the ordinary way it would wait again, behind all later requests.
      case .request(let task): FirstTaskStep.made(by: { task.begin(on: self) })?.runSynchronously(on: executor)
      }
      finished = true
    }
  }
}
