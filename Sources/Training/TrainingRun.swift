import Attacks
import Datasets
import Foundation
import Models
import TensorEngine

/// Adversarial training from the first weights to the chosen checkpoint.
///
/// The tutorial's five steps: a base model is trained on clean images; then for each batch adversarial examples are made, combined with
/// the clean ones, and trained on; the evaluation that ends it is the owner's, with `TrainedModel.team`. After each epoch the model is
/// measured on a part of the training set that is held out, and checkpoints are kept by what was measured.
///
/// The weights are a function of the arguments alone: neither `threads` nor interruptions change a bit of any checkpoint.
package struct TrainingRun {
  let dataset: Dataset
  let graph: Graph
  let description: ModelDescription
  let initial: Parameters
  let threat: Threat
  let settings: TrainingSettings
  let engine: Engine
  let threads: Int
  let precision: Precision
  let seed: UInt64
  let directory: URL
  let resume: Bool
  let saveInterval: Double
  let sink: TrainingSink
  let control: @Sendable () throws -> Void

  /// - Parameters:
  ///   - graph: what `description` describes, for the dataset's images and classes.
  ///   - initial: the weights to begin with; they are not changed.
  ///   - threads: how many threads of `engine` the run uses at most.
  ///   - precision: one that the processor offers; elsewhere it is slow.
  ///   - directory: of this run alone; it is made where it is missing. Weights go to its folder `checkpoints`, and what a resumed run needs
  ///     to `resume.state`, which stays until `removeState(in:)`.
  ///   - resume: go on from the state in `directory` where there is one; otherwise one that is there is replaced.
  ///   - saveInterval: seconds after which the state is saved within an epoch.
  ///   - sink: told of progress, on the thread of `run()`.
  ///   - control: called for each batch and each shard, from several threads; what it throws ends the run, after its state was saved.
  package init(
    dataset: Dataset, graph: Graph, description: ModelDescription, initial: Parameters, threat: Threat, settings: TrainingSettings,
    engine: Engine, threads: Int, precision: Precision = .fp32, seed: UInt64, directory: URL, resume: Bool = false,
    saveInterval: Double = 60,
    sink: TrainingSink = TrainingSink(), control: @escaping @Sendable () throws -> Void = {}
  ) {
    self.dataset = dataset
    self.graph = graph
    self.description = description
    self.initial = initial
    self.threat = threat
    self.settings = settings
    self.engine = engine
    self.threads = threads
    self.precision = precision
    self.seed = seed
    self.directory = directory
    self.resume = resume
    self.saveInterval = saveInterval
    self.sink = sink
    self.control = control
  }

  /// Trains, blocking the caller, and returns what came of it. A run that is resumed after its end returns its outcome again.
  ///
  /// - Throws: `TrainingError`, `StorageError`, or whatever `control` throws.
  package func run() throws -> TrainingOutcome {
    let state = try TrainingLoop(self)()
    return try TrainingOutcome(state, of: self)
  }

  /// Removes what a resumed run would need: for a run that is over and evaluated.
  package static func removeState(in directory: URL) throws {
    try ResumeFile(directory: directory).remove()
  }
}
