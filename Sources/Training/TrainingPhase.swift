/// The five steps of adversarial training as the phases of one run.
package enum TrainingPhase: String, CaseIterable, Hashable, Sendable, Codable {
  /// Standard training of the model that is to be hardened.
  case base
  /// Making adversarial examples of a batch against the present weights.
  case attack
  /// Putting them in the place of their clean originals.
  case combine
  /// Training on the mixed batch.
  case retrain
  /// Measuring the model: on the validation part after each epoch, and by the run's owner on the test part at the end.
  case evaluate
}
