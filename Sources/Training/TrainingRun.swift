import Attacks
import Datasets
import Files
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
  let checkpoints: any CheckpointStorage
  let resume: Bool
  let saveInterval: Double
  let engineVersion: String
  let sink: TrainingSink
  let setAside: @Sendable (URL, String) throws -> Void
  let waitForRoom: @Sendable (StorageError) throws -> Void
  let control: @Sendable () throws -> Void

  /// - Parameters:
  ///   - graph: what `description` describes, for the dataset's images and classes.
  ///   - initial: the weights to begin with; they are not changed.
  ///   - threads: how many threads of `engine` the run uses at most.
  ///   - precision: one that the processor offers; elsewhere it is slow.
  ///   - directory: of this run alone; it is made where it is missing. What a resumed run needs goes to `resume.a.state` and
  ///     `resume.b.state`, by turns; they stay until `removeState(in:)`.
  ///   - checkpoints: where the weights go; by default to the folder `checkpoints` of `directory`.
  ///   - resume: go on from the newest whole state in `directory` where there is one; otherwise one that is there is replaced.
  ///   - saveInterval: seconds from one saved state to the next, unless that takes too much of the run's time.
  ///   - engineVersion: what computes, to be noted in each state.
  ///   - sink: told of progress.
  ///   - setAside: takes a damaged state out of the way, for the reason given; by default it renames it to `NAME.damaged`.
  ///   - waitForRoom: called when a file cannot be written or opened for want of room, descriptors or memory. It returns when it is worth
  ///     trying again, and the file is written anew; what it throws ends the run. It is called for the states saved in the background too,
  ///     on another thread, and what it throws there ends nothing.
  ///   - control: called for each batch and each shard, from several threads; what it throws ends the run, after its state was saved.
  package init(
    dataset: Dataset, graph: Graph, description: ModelDescription, initial: Parameters, threat: Threat, settings: TrainingSettings,
    engine: Engine, threads: Int, precision: Precision = .fp32, seed: UInt64, directory: URL, checkpoints: (any CheckpointStorage)? = nil,
    resume: Bool = false, saveInterval: Double = 1, engineVersion: String = EngineVersion.description, sink: TrainingSink = TrainingSink(),
    setAside: @escaping @Sendable (URL, String) throws -> Void = Self.renameDamaged,
    waitForRoom: @escaping @Sendable (StorageError) throws -> Void = { throw $0 }, control: @escaping @Sendable () throws -> Void = {}
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
    self.checkpoints = checkpoints ?? CheckpointFolder(directory)
    self.resume = resume
    self.saveInterval = saveInterval
    self.engineVersion = engineVersion
    self.sink = sink
    self.setAside = setAside
    self.waitForRoom = waitForRoom
    self.control = control
  }

  /// Trains, blocking the caller, and returns what came of it. A run that is resumed after its end returns its outcome again.
  ///
  /// - Throws: `TrainingError`, `StorageError`, or whatever `control` throws.
  package func run() throws -> TrainingOutcome {
    let state = try TrainingLoop(self)()
    return try TrainingOutcome(state, of: self)
  }

  // MARK: What a run leaves

  /// How many saved states of a run are kept.
  package static let savedStates = ResumeFiles.names.count

  /// From where a run in `directory` would go on; `nil` when it would begin at the beginning. Reads headers alone.
  package static func savedState(in directory: URL) -> SavedState? { ResumeFiles(directory: directory).summaries.first?.saved }

  /// Every checkpoint that a saved state in `directory` names: none of them may be removed before the run goes on.
  package static func namedCheckpoints(in directory: URL) -> Set<Checkpoint> {
    Set(ResumeFiles(directory: directory).summaries.flatMap(\.checkpoints.values))
  }

  /// The saved states in a directory that are not what was written, and why, as a clause.
  package static func damagedStates(in directory: URL) throws -> [(name: String, reason: String)] {
    try ResumeFiles(directory: directory).damage()
  }

  /// Removes what a resumed run would need: for a run that is over and evaluated.
  package static func removeState(in directory: URL) {
    ResumeFiles(directory: directory).remove()
    ExtensionFile.remove(in: directory)
  }

  /// The file of the adversarial images of the base model, in the folder of a run.
  package static let baseImagesName = BaseImages.name

  /// Renames a damaged file to `NAME.damaged`; an earlier one of that name is replaced.
  package static func renameDamaged(_ url: URL, because reason: String) throws {
    let (from, to) = (url.path, url.appendingPathExtension("damaged").path)
    try systemCall("\(url.lastPathComponent) is damaged and cannot be set aside") { rename(from, to) }
  }
}
