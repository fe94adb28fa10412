import Synchronization

/// Why a run stopped before its end, on request.
package enum Interruption: Int, Error, Hashable, Sendable, CustomStringConvertible {
  /// The process is to end: the job goes back to the queue.
  case drain = 1
  case pause
  case outOfTime
  case cancel

  package var description: String {
    switch self {
    case .drain: "the process is ending"
    case .pause: "the job was paused"
    case .outOfTime: "the job took longer than its resources.max_seconds"
    case .cancel: "the job was cancelled"
    }
  }
}

/// What a run is asked to do: looked at for each batch and each shard, from any thread.
package final class RunControl: Sendable {
  private let request = Atomic<Int>(0)
  private let deadline: ContinuousClock.Instant?
  /// Above every interruption.
  private static let failed = Int.max
  private let failure = Mutex<(any Error)?>(nil)

  /// - Parameter seconds: after which the run stops by itself; `nil`: never.
  package init(seconds: Double? = nil) { deadline = seconds.map { .now + .seconds($0) } }

  /// Asks the run to stop; of several requests the weightiest counts.
  package func stop(_ interruption: Interruption) { request.max(interruption.rawValue, ordering: .relaxed) }

  /// Ends the run with an error of whoever follows it: the first one counts.
  func fail(with error: any Error) {
    failure.withLock { $0 = $0 ?? error }
    request.max(Self.failed, ordering: .releasing)
  }

  /// - Throws: `Interruption` when the run is to stop; the error it was failed with.
  package func check() throws {
    let known = request.load(ordering: .acquiring)
    if known == Self.failed, let error = failure.withLock({ $0 }) { throw error }
    if let interruption = Interruption(rawValue: known) { throw interruption }
    if let deadline, ContinuousClock.now > deadline { throw Interruption.outOfTime }
  }
}
