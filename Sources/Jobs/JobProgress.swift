import JSON
import Robustness
import Training

/// The progress of a job.
package struct JobProgress: Hashable, Sendable {
  package var phase: TrainingPhase?
  /// Counted from 1, over the base stage and the retraining.
  package var epoch: Int?
  package var epochs: Int?
  /// The batches of the epoch that are done, and how many it has.
  package var step: Int?
  package var steps: Int?
  /// The weight updates in the last saved state, from which the job continues after a crash; `nil` before the first save.
  package var savedStep: Int?
  /// The finished fraction of the job's work, 0 to 1.
  package var fraction: Double
  package var etaSeconds: Double?
  package var examplesPerSecond: Double?

  package init(
    phase: TrainingPhase? = nil, epoch: Int? = nil, epochs: Int? = nil, step: Int? = nil, steps: Int? = nil, savedStep: Int? = nil,
    fraction: Double = 0, etaSeconds: Double? = nil, examplesPerSecond: Double? = nil
  ) {
    self.phase = phase
    self.epoch = epoch
    self.epochs = epochs
    self.step = step
    self.steps = steps
    self.savedStep = savedStep
    self.fraction = fraction
    self.etaSeconds = etaSeconds
    self.examplesPerSecond = examplesPerSecond
  }

  package var json: JSONValue {
    [
      "phase": .orNull(phase?.rawValue), "epoch": .orNull(epoch), "epochs": .orNull(epochs), "step": .orNull(step), "steps": .orNull(steps),
      "saved_step": .orNull(savedStep), "fraction": .number(fraction), "eta_seconds": .orNull(etaSeconds),
      "examples_per_second": .orNull(examplesPerSecond),
    ]
  }

  /// The inverse of `json`. Missing members get their initial values.
  init(_ json: JSONValue) {
    self.init(
      phase: json["phase"]?.string.flatMap(TrainingPhase.init), epoch: json["epoch"]?.integer, epochs: json["epochs"]?.integer,
      step: json["step"]?.integer, steps: json["steps"]?.integer, savedStep: json["saved_step"]?.integer,
      fraction: json["fraction"]?.double ?? 0, etaSeconds: json["eta_seconds"]?.double,
      examplesPerSecond: json["examples_per_second"]?.double)
  }
}
