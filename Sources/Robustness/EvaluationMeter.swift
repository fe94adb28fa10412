import Synchronization

/// The progress of an evaluation.
package struct EvaluationProgress: Hashable, Sendable {
  /// The current stage: `clean`, an attack's label (in a sequence followed by that of the part), `curve 0.1` or `self-check`.
  package var stage: String
  /// The finished fraction of the work, 0 to 1. It assumes of the examples that still stand that they will to the end.
  package var fraction: Double
  /// Whether a task has just ended: what the journal holds has grown.
  package var endsTask: Bool
}

/// Adds up the work of several threads and reports the progress. Units are the most passes that examples may take: what an example turns out
/// not to need counts as done as soon as that is known.
final class EvaluationMeter: Sendable {
  private let done = Mutex(0)
  private let total: Int
  private let report: @Sendable (EvaluationProgress) -> Void

  init(total: Int, report: @escaping @Sendable (EvaluationProgress) -> Void) {
    self.total = max(total, 1)
    self.report = report
  }

  func advance(by units: Int, stage: String, endsTask: Bool = false) {
    guard units > 0 || endsTask else { return }
    let now = done.withLock { done in
      done += units
      return done
    }
    report(EvaluationProgress(stage: stage, fraction: min(1, Double(now) / Double(total)), endsTask: endsTask))
  }

  /// What was planned and not needed counts as done.
  func finish() { advance(by: max(0, total - done.withLock { $0 }), stage: "checks") }
}

/// The work of one task, which counts as it is done.
///
/// Belongs to the thread of the task.
final class TaskMeter {
  private let meter: EvaluationMeter
  private let stage: String
  /// The units that have not been counted, and those that were done and are not told yet.
  private var left: Int
  private var untold = 0
  /// A task is told in so many steps: a pass of a small network takes less time than telling of it.
  private let step: Int

  init(_ meter: EvaluationMeter, units: Int, stage: String) {
    self.meter = meter
    self.stage = stage
    left = units
    step = max(units / 20, 1)
  }

  /// - Parameter passes: that were made now. More of them than was planned count for nothing.
  func advance(by passes: Int) {
    untold = min(untold + passes, left)
    guard untold >= step else { return }
    left -= untold
    meter.advance(by: untold, stage: stage)
    untold = 0
  }

  /// What was planned and not needed counts as done.
  func finish() {
    meter.advance(by: left, stage: stage, endsTask: true)
    (left, untold) = (0, 0)
  }
}
