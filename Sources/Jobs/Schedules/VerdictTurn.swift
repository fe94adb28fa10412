import Logging
import Robustness

/// The verdict of a schedule's job is another than that of the run before.
///
/// `Store.noteScheduled` is the one place where this is known, in the transaction that stores the verdict: what is to be told of it with the same
/// certainty as the verdict itself (a delivery that survives a crash) is written there.
package struct VerdictTurn: Hashable, Sendable {
  package let schedule: String
  package let owner: String
  package let job: String
  package let before: Verdict
  package let verdict: Verdict
  package let at: Timestamp

  func log(_ logger: Logger) {
    logger.notice(
      "the verdict of a schedule has turned",
      metadata: [
        "schedule": "\(schedule)", "job": "\(job)", "before": "\(before.rawValue)", "verdict": "\(verdict.rawValue)",
      ])
  }
}
