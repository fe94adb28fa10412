import Dispatch
import Foundation

/// What waits for a handler thread, in its order.
final class HandlerQueue: @unchecked Sendable {  // safe: everything mutable is touched with `condition` locked only
  enum Item {
    /// A request that nobody has begun with.
    case request(HandlerTask)
    /// A handler that was suspended and goes on.
    case job(UnownedJob)
  }

  struct Figures {
    /// Threads that are at work.
    var busy = 0
    var waiting = 0
    /// Seconds for which the first in the queue has waited.
    var oldestWait = 0.0
  }

  private let condition = NSCondition()
  private var entries: [(item: Item, since: UInt64)] = []
  private var next = 0
  private var busy = 0
  private var ended = false

  /// False: the threads have gone.
  func add(_ item: Item) -> Bool {
    let now = DispatchTime.now().uptimeNanoseconds
    return condition.withLock {
      guard !ended else { return false }
      entries.append((item, now))
      condition.signal()
      return true
    }
  }

  /// The next piece of work; waits for one. `finished`: the thread has done with one before.
  /// - Returns: nil when there will be no more.
  func take(finished: Bool) -> Item? {
    condition.withLock {
      if finished { busy -= 1 }
      while next == entries.count {
        if ended { return nil }
        condition.wait()
      }
      busy += 1
      let item = entries[next].item
      next += 1
      compact()
      return item
    }
  }

  /// Takes a request out that will not be begun with.
  func remove(_ task: HandlerTask) {
    condition.withLock {
      let index = entries[next...].firstIndex { if case .request(let waiting) = $0.item { waiting === task } else { false } }
      if let index { entries.remove(at: index) }
    }
  }

  func end() {
    condition.withLock {
      ended = true
      condition.broadcast()
    }
  }

  var figures: Figures {
    let now = DispatchTime.now().uptimeNanoseconds
    return condition.withLock {
      let oldest = next < entries.count ? Double(now - min(now, entries[next].since)) / 1e9 : 0
      return Figures(busy: busy, waiting: entries.count - next, oldestWait: oldest)
    }
  }

  /// What was taken is let go, also where the queue is never empty.
  private func compact() {
    if next == entries.count {
      entries.removeAll(keepingCapacity: entries.capacity <= 4096)
    } else if next >= 256, next >= entries.count / 2 {
      entries.removeFirst(next)
    } else {
      return
    }
    next = 0
  }
}
