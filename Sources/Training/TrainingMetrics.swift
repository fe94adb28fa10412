/// What was measured in one epoch.
package struct TrainingMetrics: Hashable, Sendable, Codable {
  /// Counted from 1 over both stages; 0 for the model before any training.
  package var epoch: Int
  /// Weight updates since the start of the run.
  package var step: Int
  /// `base` or `retrain`.
  package var phase: TrainingPhase
  /// The rate of the epoch's last step.
  package var learningRate: Double = 0
  /// The mean loss of the epoch's batches, each computed before its update.
  package var loss: Double?
  /// Accuracies on the examples trained on, as they went through.
  package var trainCleanAccuracy: Double?
  package var trainAdversarialAccuracy: Double?
  /// Accuracies on the validation part after the epoch.
  package var validationCleanAccuracy: Double?
  package var validationRobustAccuracy: Double?
  /// The same of the averaged weights, where they are averaged.
  package var averagedCleanAccuracy: Double?
  package var averagedRobustAccuracy: Double?
  /// Whether the accuracies on the validation part are those of averaged weights, as with a checkpoint of such; nil when they are not.
  package var isAveraged: Bool?
  /// PGD-5 accuracy on a fixed set of training examples after the epoch: what falls when single-step training overfits.
  package var probeAccuracy: Double?
  /// Whether a collapse of robust accuracy was found after the epoch; nil when none was.
  package var isCollapse: Bool?

  package init(epoch: Int, step: Int, phase: TrainingPhase) {
    self.epoch = epoch
    self.step = step
    self.phase = phase
  }

  /// The same epoch as its averaged weights have it.
  var ofAveragedWeights: TrainingMetrics {
    var metrics = self
    (metrics.validationCleanAccuracy, metrics.validationRobustAccuracy) = (averagedCleanAccuracy, averagedRobustAccuracy)
    (metrics.averagedCleanAccuracy, metrics.averagedRobustAccuracy, metrics.probeAccuracy) = (nil, nil, nil)
    metrics.isAveraged = true
    return metrics
  }

  /// The robust accuracy on the validation part of whichever weights have the higher one; nil when none was measured.
  var bestRobustAccuracy: Double? { [validationRobustAccuracy, averagedRobustAccuracy].compactMap(\.self).max() }

  /// What the names of figures of the validation part begin with: a report has others of the same kind, of the test images.
  package static let validation = "validation_"

  /// Those that were measured, by the names that the API gives them.
  package var named: [(name: String, value: Double)] {
    let all: [(String, Double?)] = [
      ("learning_rate", learningRate), ("loss", loss), ("train_clean_accuracy", trainCleanAccuracy),
      ("train_adversarial_accuracy", trainAdversarialAccuracy), (Self.validation + "clean_accuracy", validationCleanAccuracy),
      (Self.validation + "robust_accuracy", validationRobustAccuracy),
      (Self.validation + "averaged_clean_accuracy", averagedCleanAccuracy),
      (Self.validation + "averaged_robust_accuracy", averagedRobustAccuracy), ("averaged", isAveraged == true ? 1 : nil),
      ("probe_accuracy", probeAccuracy), ("collapse", isCollapse == true ? 1 : nil),
    ]
    return all.compactMap { name, value in value.map { (name, $0) } }
  }
}
