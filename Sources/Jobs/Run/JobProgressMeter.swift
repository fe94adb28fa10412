import Foundation
import Robustness
import Synchronization
import Training

/// Makes the progress of a job out of that of its training and its evaluations: one fraction, the time that is left, and no more
/// reports than somebody can read.
final class JobProgressMeter: Sendable {
  /// Seconds between reports: each is sent to every follower of the job, of which there may be hundreds.
  private static let interval = 1.0
  /// What is learned of the speed in the first moments says little of the rest.
  private static let settling = 0.01

  /// The part of the work that is training.
  private let trainingShare: Double
  private let report: @Sendable (JobProgress) -> Void

  private struct State {
    var latest = JobProgress()
    var reported: ContinuousClock.Instant?
    /// When the first fraction of this attempt came, and what it was.
    var start: (at: ContinuousClock.Instant, fraction: Double)?
  }
  private let state = Mutex(State())

  init(trainingShare: Double, report: @escaping @Sendable (JobProgress) -> Void) {
    self.trainingShare = trainingShare
    self.report = report
  }

  func training(_ progress: TrainingProgress) {
    advance(
      JobProgress(
        phase: progress.phase, epoch: progress.epoch, epochs: progress.epochs, step: progress.step, steps: progress.steps,
        fraction: trainingShare * progress.fraction, examplesPerSecond: progress.examplesPerSecond))
  }

  /// - Parameters:
  ///   - part: which of `parts` evaluations is under way, counted from 0.
  ///   - fraction: of this one.
  func evaluation(part: Int, of parts: Int, fraction: Double) {
    let done = (Double(part) + fraction) / Double(max(parts, 1))
    let before = state.withLock { $0.latest }
    advance(
      JobProgress(
        phase: .evaluate, epoch: before.epoch, epochs: before.epochs, step: before.step, steps: before.steps,
        fraction: trainingShare + (1 - trainingShare) * done))
  }

  private func advance(_ progress: JobProgress) {
    let now = ContinuousClock.now
    let due = state.withLock { state -> JobProgress? in
      var progress = progress
      // Threads report in any order; what was reached stays reached.
      progress.fraction = min(1, max(progress.fraction, state.latest.fraction))
      let start = state.start ?? (now, progress.fraction)
      state.start = start
      let gained = progress.fraction - start.fraction
      if gained > Self.settling {
        progress.etaSeconds = (1 - progress.fraction) / gained * ((now - start.at) / .seconds(1))
      }
      let isNew = progress.phase == .evaluate && state.latest.phase != .evaluate
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
