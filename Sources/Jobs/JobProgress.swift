import JSON
import Robustness
import Training

/// How far a job has come.
package struct JobProgress: Hashable, Sendable {
  package var phase: TrainingPhase?
  /// Counted from 1 over base stage and retraining.
  package var epoch: Int?
  package var epochs: Int?
  /// Batches of the epoch.
  package var step: Int?
  package var steps: Int?
  /// Of the job's work, 0 to 1.
  package var fraction: Double
  package var etaSeconds: Double?
  package var examplesPerSecond: Double?

  package init(
    phase: TrainingPhase? = nil, epoch: Int? = nil, epochs: Int? = nil, step: Int? = nil, steps: Int? = nil, fraction: Double = 0,
    etaSeconds: Double? = nil, examplesPerSecond: Double? = nil
  ) {
    self.phase = phase
    self.epoch = epoch
    self.epochs = epochs
    self.step = step
    self.steps = steps
    self.fraction = fraction
    self.etaSeconds = etaSeconds
    self.examplesPerSecond = examplesPerSecond
  }

  package var json: JSONValue {
    [
      "phase": .orNull(phase?.rawValue), "epoch": .orNull(epoch), "epochs": .orNull(epochs), "step": .orNull(step), "steps": .orNull(steps),
      "fraction": .number(fraction), "eta_seconds": .orNull(etaSeconds), "examples_per_second": .orNull(examplesPerSecond),
    ]
  }
}

extension JobProgress {
  /// The inverse of `json`.
  init(stored json: JSONValue) throws {
    let names = try json.decoded(as: Stored.self)
    self.init(
      phase: names.phase, epoch: names.epoch, epochs: names.epochs, step: names.step, steps: names.steps, fraction: names.fraction,
      etaSeconds: names.etaSeconds, examplesPerSecond: names.examplesPerSecond)
  }

  private struct Stored: Decodable {
    let phase: TrainingPhase?
    let epoch: Int?
    let epochs: Int?
    let step: Int?
    let steps: Int?
    let fraction: Double
    let etaSeconds: Double?
    let examplesPerSecond: Double?

    enum CodingKeys: String, CodingKey {
      case phase, epoch, epochs, step, steps, fraction
      case etaSeconds = "eta_seconds"
      case examplesPerSecond = "examples_per_second"
    }
  }
}
