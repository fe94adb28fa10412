import Synchronization

/// A job at one moment, with its answer for whoever polls.
///
/// The answer is made once, by the first who asks, and then serves all.
package final class JobSnapshot: Sendable {
  package let job: Job
  private let answer = Mutex<[UInt8]?>(nil)

  package init(_ job: Job) { self.job = job }

  /// - Parameter render: the same for every caller.
  package func answer(_ render: (Job) -> [UInt8]) -> [UInt8] {
    answer.withLock { known in
      let bytes = known ?? render(job)
      known = bytes
      return bytes
    }
  }
}
