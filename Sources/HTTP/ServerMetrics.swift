import Synchronization

/// What the server counts.
package final class ServerMetrics: Sendable {
  /// The counters at one moment. All but ``connectionsOpen`` only grow.
  package struct Snapshot: Sendable, Equatable {
    package var connectionsOpen = 0
    package var connectionsAccepted = 0
    /// Answered with 503 because too many were open.
    package var connectionsRefused = 0
    /// Answers begun, by the first digit of their status: 1…5.
    package var requestsByClass: [Int: Int] = [:]
    /// Requests whose client went, or whose answer broke off.
    package var requestsAborted = 0
    /// Requests that took no longer than the bound of the same index in ``ServerMetrics/durationBounds``; not cumulative. The last
    /// one is for all slower ones.
    package var durationBuckets = [Int](repeating: 0, count: ServerMetrics.durationBounds.count + 1)
    package var durationCount = 0
    /// Seconds.
    package var durationSum = 0.0
    package var bytesReceived = 0
    package var bytesSent = 0

    /// `(upper bound in seconds, requests up to it)`, cumulative as Prometheus wants it, `+Inf` last.
    package var cumulativeBuckets: [(bound: Double, count: Int)] {
      var sum = 0
      return zip(ServerMetrics.durationBounds + [.infinity], durationBuckets).map { bound, count in
        sum += count
        return (bound, sum)
      }
    }
  }

  /// Seconds.
  package static let durationBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

  private let state = Mutex(Snapshot())

  package init() {}

  package func snapshot() -> Snapshot { state.withLock { $0 } }

  func opened() {
    state.withLock {
      $0.connectionsOpen += 1
      $0.connectionsAccepted += 1
    }
  }

  func closed() { state.withLock { $0.connectionsOpen -= 1 } }
  func refused() { state.withLock { $0.connectionsRefused += 1 } }
  func received(bytes: Int) { state.withLock { $0.bytesReceived += bytes } }

  /// One request is over. `status` nil: nothing was answered.
  func finished(status: Int?, seconds: Double, bytes: Int, aborted: Bool) {
    let bucket = Self.durationBounds.firstIndex { seconds <= $0 } ?? Self.durationBounds.count
    state.withLock {
      if let status { $0.requestsByClass[status / 100, default: 0] += 1 }
      if aborted { $0.requestsAborted += 1 }
      $0.durationBuckets[bucket] += 1
      $0.durationCount += 1
      $0.durationSum += seconds
      $0.bytesSent += bytes
    }
  }
}
