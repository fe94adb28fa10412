import Attacks
import Datasets
import Models
import Robustness
import TensorEngine
import Training

/// What a job is to do, checked and completed by every default.
///
/// It comes into being by `JobSpec(reading:origin:)` alone, so nothing below it checks a value again.
package struct JobSpec: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    case train
    /// The robustness of `model.initial`, without training.
    case evaluate
  }

  /// Where a spec comes from: only one from this machine may name files.
  package enum Origin: Hashable, Sendable {
    case http
    case commandLine
  }

  package var name: String?
  package var labels: [String: String]
  package var kind: Kind
  package var dataset: DatasetSection
  package var model: ModelSection
  package var threat: Threat
  /// `nil` for `evaluate`. Its `validationFraction` is the dataset section's.
  package var training: TrainingSettings?
  package var evaluation: EvaluationSection
  package var gates: [Gate]
  package var precision: Precision
  package var seed: UInt64
  /// Higher goes first.
  package var priority: Int
  package var resources: Resources
}

/// Which images, and how many of them.
package struct DatasetSection: Hashable, Sendable {
  package enum Reference: Hashable, Sendable {
    /// A built-in name, or a `ds_…`.
    case id(String)
    /// Files of this machine, for `temper run` only; relative to the spec's folder.
    case path(String, format: DatasetFormat)
  }

  package var reference: Reference
  /// The part of the training images that is held out to choose the checkpoint by, in [0, 1).
  package var validationFraction: Double
  /// At most so many training images, drawn with the share of each class kept; `nil`: all.
  package var limit: Int?
}

/// Which network, and the weights it begins with.
package struct ModelSection: Hashable, Sendable {
  package var description: ModelDescription
  /// An `mdl_…` or `ckpt_…` (for `temper run`, the path of a safetensors file); `nil`: random, by the seed.
  package var initial: String?
}

/// How the result is questioned.
package struct EvaluationSection: Hashable, Sendable {
  package var attacks: [AttackSettings]
  package var samples: Int
  /// Epsilons; empty for no curve.
  package var curve: [Double]
  /// Weights that stand for "before" in the report: an `mdl_…` or `ckpt_…`; `nil`: the job's own base model.
  package var baseline: String?
}

/// What a job may use.
package struct Resources: Hashable, Sendable {
  /// Threads of the engine; `nil`: all.
  package var threads: Int?
  /// The wall time after which a job fails, over all its attempts; `nil`: none.
  package var maxSeconds: Double?
}
