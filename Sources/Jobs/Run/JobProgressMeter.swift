import Foundation
import Robustness
import Synchronization
import Training

/// Combines the progress of training and evaluations into that of the job: one fraction and the remaining time. It limits the number of
/// reports.
final class JobProgressMeter: Sendable {
  /// The seconds between reports: each is work for the thread that trains. The board of the store has a pace of its own, for what comes from
  /// several jobs and transactions at once.
  private static let interval = 1.0
  /// The fraction that must be done before the remaining time is estimated; the speed of the first moments is not typical.
  private static let settling = 0.01

  /// The fraction of the work that is training.
  private let trainingShare: Double
  private let report: @Sendable (JobProgress) -> Void

  private struct State {
    var latest = JobProgress()
    var reported: ContinuousClock.Instant?
    /// Whether the last progress was that of an evaluation, and not of the images that a checkpoint is chosen by.
    var isEvaluating = false
    /// The first fraction of this attempt, and when it was reported.
    var start: (at: ContinuousClock.Instant, fraction: Double)?
  }
  private let state = Mutex(State())

  init(trainingShare: Double, report: @escaping @Sendable (JobProgress) -> Void) {
    self.trainingShare = trainingShare
    self.report = report
  }

  /// The part that is done.
  var fraction: Double { state.withLock { $0.latest.fraction } }

  /// Goes on where an earlier attempt was: the fraction does not fall when a process begins anew.
  func resume(at fraction: Double) { state.withLock { $0.latest.fraction = max($0.latest.fraction, min(fraction, 1)) } }

  func training(_ progress: TrainingProgress) {
    advance(
      JobProgress(
        phase: progress.phase, epoch: progress.epoch, epochs: progress.epochs, step: progress.step, steps: progress.steps,
        fraction: trainingShare * progress.fraction, examplesPerSecond: progress.examplesPerSecond))
  }

  /// - Parameters:
  ///   - part: the index of the current evaluation, of `parts`.
  ///   - fraction: the progress of this evaluation.
  ///   - phase: `attack` where images are made and nothing is evaluated.
  func evaluation(part: Int, of parts: Int, fraction: Double, phase: TrainingPhase = .evaluate) {
    let done = (Double(part) + fraction) / Double(max(parts, 1))
    let before = state.withLock { $0.latest }
    advance(
      JobProgress(
        phase: phase, epoch: before.epoch, epochs: before.epochs, step: before.step, steps: before.steps,
        fraction: trainingShare + (1 - trainingShare) * done), isEvaluation: true)
  }

  private func advance(_ progress: JobProgress, isEvaluation: Bool = false) {
    let now = ContinuousClock.now
    let due = state.withLock { state -> JobProgress? in
      var progress = progress
      // Threads report in any order; the fraction must never fall.
      progress.fraction = min(1, max(progress.fraction, state.latest.fraction))
      let start = state.start ?? (now, progress.fraction)
      state.start = start
      let gained = progress.fraction - start.fraction
      if gained > Self.settling {
        progress.etaSeconds = (1 - progress.fraction) / gained * ((now - start.at) / .seconds(1))
      }
      // A short epoch would be told by its validation alone if each began a report.
      let isNew = isEvaluation && !state.isEvaluating
      state.isEvaluating = isEvaluation
      state.latest = progress
      let waited = state.reported.map { (now - $0) / .seconds(1) } ?? .infinity
      guard isNew || waited >= Self.interval else { return nil }
      state.reported = now
      return progress
    }
    if let due { report(due) }
  }

  /// Reports that everything is done.
  func finish() {
    let last = state.withLock { state -> JobProgress in
      state.latest.fraction = 1
      state.latest.etaSeconds = 0
      return state.latest
    }
    report(last)
  }
}
