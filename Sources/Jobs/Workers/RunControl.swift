import Synchronization

/// The reason for which a run was asked to stop before its end.
package enum Interruption: Int, Error, Hashable, Sendable, CustomStringConvertible {
  /// The whole service is paused; the job goes back to the queue.
  case hold = 1
  /// The process ends; the job goes back to the queue.
  case drain
  case pause
  case outOfTime
  case cancel

  package var description: String {
    switch self {
    case .hold: "the service was paused"
    case .drain: "the process is ending"
    case .pause: "the job was paused"
    case .outOfTime: "the job took longer than its resources.max_seconds"
    case .cancel: "the job was cancelled"
    }
  }
}

/// Requests to a run. The run checks them at each batch and each shard, on any thread.
package final class RunControl: Sendable {
  private let request = Atomic<Int>(0)
  private let deadline: ContinuousClock.Instant?
  /// Ranks above every interruption.
  private static let failed = Int.max
  private let failure = Mutex<(any Error)?>(nil)

  /// - Parameter seconds: after which the run stops by itself; `nil` for no limit.
  package init(seconds: Double? = nil) { deadline = seconds.map { .now + .seconds($0) } }

  /// Asks the run to stop. Of several requests the highest-ranking one counts.
  package func stop(_ interruption: Interruption) { request.max(interruption.rawValue, ordering: .relaxed) }

  /// Ends the run with an error of its observer. The first error counts.
  func fail(with error: any Error) {
    failure.withLock { $0 = $0 ?? error }
    request.max(Self.failed, ordering: .releasing)
  }

  /// - Throws: `Interruption` when the run should stop, or the error given to `fail`.
  package func check() throws {
    let known = request.load(ordering: .acquiring)
    if known == Self.failed, let error = failure.withLock({ $0 }) { throw error }
    if let interruption = Interruption(rawValue: known) { throw interruption }
    if let deadline, ContinuousClock.now > deadline { throw Interruption.outOfTime }
  }
}
