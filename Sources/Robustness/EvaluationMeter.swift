import Synchronization

/// The progress of an evaluation.
package struct EvaluationProgress: Hashable, Sendable {
  /// The current stage: `clean`, an attack's label (in a sequence followed by that of the part), `curve 0.1` or `self-check`.
  package var stage: String
  /// The finished fraction of the work, 0 to 1. It assumes that no example is misclassified early.
  package var fraction: Double
}

/// Adds up the work of several threads and reports the progress.
final class EvaluationMeter: Sendable {
  private let done = Mutex(0)
  private let total: Int
  private let report: @Sendable (EvaluationProgress) -> Void

  init(total: Int, report: @escaping @Sendable (EvaluationProgress) -> Void) {
    self.total = max(total, 1)
    self.report = report
  }

  func advance(by units: Int, stage: String) {
    guard units > 0 else { return }
    let now = done.withLock { done in
      done += units
      return done
    }
    report(EvaluationProgress(stage: stage, fraction: min(1, Double(now) / Double(total))))
  }

  /// What was planned and not needed counts as done.
  func finish() { advance(by: max(0, total - done.withLock { $0 }), stage: "checks") }
}
