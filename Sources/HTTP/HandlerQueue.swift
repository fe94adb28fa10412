import Dispatch
import Foundation

/// The queue of work for the handler threads.
final class HandlerQueue: @unchecked Sendable {  // safe: all mutable state is used with `condition` locked
  enum Item {
    /// A request that has not begun.
    case request(HandlerTask)
    /// A handler that was suspended and can go on.
    case continuation(UnownedJob)
  }

  struct Figures {
    /// Threads that are working.
    var busy = 0
    var waiting = 0
    /// The seconds that the first in the queue has waited.
    var oldestWait = 0.0
  }

  private let condition = NSCondition()
  private var entries: [(item: Item, since: UInt64)] = []
  private var next = 0
  private var busy = 0
  private var ended = false

  /// Returns false when the queue has ended.
  func add(_ item: Item) -> Bool {
    let now = DispatchTime.now().uptimeNanoseconds
    return condition.withLock {
      guard !ended else { return false }
      entries.append((item, now))
      condition.signal()
      return true
    }
  }

  /// Waits for the next item. `finished` says that the thread has finished an earlier one.
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

  /// Removes a request that was withdrawn.
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

  /// Releases the items that were taken, also when the queue is never empty.
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
