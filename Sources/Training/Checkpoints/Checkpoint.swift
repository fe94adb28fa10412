import Foundation

/// What a checkpoint is kept for.
package enum CheckpointRole: String, CaseIterable, Hashable, Sendable, Codable {
  /// The model after the base stage: what the hardened one is compared with.
  case base
  /// The latest epoch, without those whose robust accuracy had fallen below half of its best: see `CollapseDetector`.
  case last
  /// The average of the weights at the end of that epoch, where they are averaged.
  case averaged
  /// The epoch of the retraining with the highest robust accuracy on the validation part, of its raw or of its averaged weights: see
  /// `CheckpointChoice`.
  case bestRobust = "best_robust"
  /// The same for the highest clean accuracy.
  case bestClean = "best_clean"

  /// The name of its file, in the folder `checkpoints` of the run's directory.
  package var fileName: String { rawValue + ".safetensors" }
}

/// Weights in a file.
package struct Checkpoint: Hashable, Sendable, Codable {
  package let role: CheckpointRole
  /// Counted from 1 over both stages; 0 for the model before any training.
  package let epoch: Int
  /// What was measured after that epoch: the accuracies are those of these weights, raw or averaged.
  package let metrics: TrainingMetrics
  package let bytes: Int
  /// In hexadecimal.
  package let sha256: String

  /// Its file in the directory of its run.
  package func url(in directory: URL) -> URL { Self.url(of: role, in: directory) }

  package static func url(of role: CheckpointRole, in directory: URL) -> URL {
    folder(in: directory).appendingPathComponent(role.fileName)
  }

  static func folder(in directory: URL) -> URL { directory.appendingPathComponent("checkpoints", isDirectory: true) }
}
