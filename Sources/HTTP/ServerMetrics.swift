import Synchronization

/// The counters of a server.
package final class ServerMetrics: Sendable {
  /// The counters at one moment. Open connections and the figures of handlers go up and down; all others only grow.
  package struct Snapshot: Sendable, Equatable {
    package var connectionsOpen = 0
    package var connectionsAccepted = 0
    /// Connections that were answered with 503 because too many were open.
    package var connectionsRefused = 0
    /// Answers that were begun, by the first digit of their status: 1…5.
    package var requestsByClass: [Int: Int] = [:]
    /// Answers that were begun, by the pattern of their route and their status; nil: no route was found.
    package var requestsByRoute: [RouteStatus: Int] = [:]
    /// Requests whose client disconnected, or whose answer broke off.
    package var requestsAborted = 0
    /// Requests that were answered without a handler, on their connection's queue.
    package var requestsImmediate = 0
    /// Requests that were answered with 503 because they waited too long for a handler thread.
    package var requestsUnattended = 0
    /// The number of requests in each interval of ``ServerMetrics/durationBounds``, not cumulative. The last bucket counts all slower
    /// ones.
    package var durationBuckets = [Int](repeating: 0, count: ServerMetrics.durationBounds.count + 1)
    package var durationCount = 0
    /// Seconds.
    package var durationSum = 0.0
    package var bytesReceived = 0
    package var bytesSent = 0
    /// The number of handler threads.
    package var handlerThreads = 0
    /// Handler threads that are working.
    package var handlersBusy = 0
    /// Requests that have not begun and suspended handlers that could go on, all waiting for a thread.
    package var handlersWaiting = 0
    /// The seconds that the first of those has waited.
    package var handlersOldestWait = 0.0

    /// `(upper bound in seconds, requests up to it)`, cumulative as Prometheus requires, `+Inf` last.
    package var cumulativeBuckets: [(bound: Double, count: Int)] {
      var sum = 0
      return zip(ServerMetrics.durationBounds + [.infinity], durationBuckets).map { bound, count in
        sum += count
        return (bound, sum)
      }
    }
  }

  package struct RouteStatus: Hashable, Sendable {
    package let route: String?
    package let status: Int
  }

  /// Seconds.
  package static let durationBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

  private struct Counters {
    var snapshot = Snapshot()
    /// By the first digit of the status. An array, because a dictionary would cost a hash per request.
    var classes = [Int](repeating: 0, count: 10)
  }

  private let counters = Mutex(Counters())
  private let pool: HandlerPool?

  /// Counters without a server: all are 0.
  package convenience init() { self.init(pool: nil) }

  init(pool: HandlerPool?) { self.pool = pool }

  package func snapshot() -> Snapshot {
    var snapshot = counters.withLock { counters in
      var snapshot = counters.snapshot
      for (digit, count) in counters.classes.enumerated() where count > 0 { snapshot.requestsByClass[digit] = count }
      return snapshot
    }
    if let pool {
      let figures = pool.figures
      snapshot.handlerThreads = pool.threads
      snapshot.handlersBusy = figures.busy
      snapshot.handlersWaiting = figures.waiting
      snapshot.handlersOldestWait = figures.oldestWait
    }
    return snapshot
  }

  func opened() {
    counters.withLock {
      $0.snapshot.connectionsOpen += 1
      $0.snapshot.connectionsAccepted += 1
    }
  }

  func closed() { counters.withLock { $0.snapshot.connectionsOpen -= 1 } }
  func refused() { counters.withLock { $0.snapshot.connectionsRefused += 1 } }
  func received(bytes: Int) { counters.withLock { $0.snapshot.bytesReceived += bytes } }

  /// Counts a finished request.
  func finished(_ exchange: Exchange, seconds: Double, aborted: Bool) {
    let bucket = Self.durationBounds.firstIndex { seconds <= $0 } ?? Self.durationBounds.count
    let (status, bytes, answerer) = (exchange.status, exchange.sentBytes, exchange.answerer)
    let route = exchange.notes.route
    counters.withLock {
      // Without a status there was no answer.
      if let status {
        $0.classes[min(9, max(0, status / 100))] += 1
        $0.snapshot.requestsByRoute[RouteStatus(route: route, status: status), default: 0] += 1
      }
      if aborted { $0.snapshot.requestsAborted += 1 }
      switch answerer {
      case .handler: break
      case .immediate: $0.snapshot.requestsImmediate += 1
      case .watchdog: $0.snapshot.requestsUnattended += 1
      }
      $0.snapshot.durationBuckets[bucket] += 1
      $0.snapshot.durationCount += 1
      $0.snapshot.durationSum += seconds
      $0.snapshot.bytesSent += bytes
    }
  }
}
