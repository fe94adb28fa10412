import Attacks
import Datasets
import JSON
import Models
import Robustness
import TensorEngine
import Training

/// What a job is to do, checked and completed by every default.
///
/// It comes into being by `JobSpec(reading:origin:)` alone and never changes, so nothing below it checks a value again.
package struct JobSpec: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    case train
    /// The robustness of `model.initial`, without training.
    case evaluate
    /// Adversarial images of the data set against `model.initial`, as a new data set.
    case generate
  }

  /// Where a spec comes from: only one from this machine may name files.
  package enum Origin: Hashable, Sendable {
    case http
    case commandLine
  }

  package let name: String?
  package let labels: [String: String]
  package let kind: Kind
  package let dataset: DatasetSection
  package let model: ModelSection
  package let threat: Threat
  /// Of `train` alone. Its `validationFraction` is the dataset section's.
  package let training: TrainingSettings?
  /// Of `generate` alone.
  package let generation: GenerationSection?
  /// Of a job of kind `generate` what its one attack takes: no curve, no further threats.
  package let evaluation: EvaluationSection
  package let gates: [Gate]
  package let precision: Precision
  package let seed: UInt64
  /// Higher goes first.
  package let priority: Int
  package let resources: Resources
  /// A job that must have succeeded first.
  package let after: String?
  /// The spec as the API shows it: every field written out. Reading it gives the same spec again.
  package let json: JSONValue
}

/// Which images, and how many of them.
package struct DatasetSection: Hashable, Sendable {
  package enum Reference: Hashable, Sendable {
    /// A built-in name, or a `ds_…`.
    case id(String)
    /// Files of this machine, for `temper run` only; relative to the spec's folder.
    ///
    /// - Parameter resize: of pictures; nil: they keep their size.
    case path(String, format: DatasetFormat, resize: DatasetOptions.Size? = nil)
  }

  package let reference: Reference
  /// The part of the training images that is held out to choose the checkpoint by, in [0, 1).
  package let validationFraction: Double
  /// At most so many training images, drawn with the share of each class kept; `nil`: all.
  package let limit: Int?
}

/// Which network, and the weights it begins with.
package struct ModelSection: Hashable, Sendable {
  package let description: ModelDescription
  /// An `mdl_…` or `ckpt_…` (for `temper run`, the path of a safetensors file); `nil`: random, by the seed.
  package let initial: String?
}

/// How the result is questioned.
package struct EvaluationSection: Hashable, Sendable {
  package let attacks: [AttackSettings]
  /// Threats to withstand beside the job's own.
  package let threats: [Threat]
  /// What an evaluation whose attacks the spec leaves open may take: see `DefaultEvaluation`.
  package let budgetSeconds: Double
  package let samples: Int
  /// Whether attacks see through the preprocessing of the network.
  package let isAdaptive: Bool
  /// Which images, where there are more than `samples`; `nil`: drawn by the seed.
  package let order: ExampleOrder?
  /// Whether the misclassified images are kept: see `Evidence`.
  package let keepsEvidence: Bool
  /// Epsilons; empty for no curve.
  package let curve: [Double]
  /// What is proved beside; `nil`: nothing.
  package let certificate: CertificateSettings?
  /// Weights that stand for "before" in the report: an `mdl_…` or `ckpt_…`; `nil`: the job's own base model.
  package let baseline: String?
  /// Instead, by labels. What is submitted names the weights that were found.
  package let baselineLabels: WeightLabels?
}

/// How the images of an evaluation are chosen among those of the test part.
package enum ExampleOrder: String, CaseIterable, Hashable, Sendable {
  /// From the beginning.
  case first
  /// Drawn by the seed with the share of each class kept.
  case stratified
}

/// What a job may use.
package struct Resources: Hashable, Sendable {
  /// Threads of the engine; `nil`: all.
  package let threads: Int?
  /// The wall time after which a job fails, over all its attempts; `nil`: none.
  package let maxSeconds: Double?
}

extension JobSpec {
  /// Whether the attacks of the evaluation are also made on the network without its preprocessing.
  var showsTransfer: Bool { generation == nil && evaluation.isAdaptive && !model.description.preprocessing.isEmpty }

  /// The network without its preprocessing.
  func bareGraph(_ image: Shape, _ classes: Int) throws(ModelError) -> Graph {
    try model.description.bare.graph(input: image, classes: classes)
  }
}
