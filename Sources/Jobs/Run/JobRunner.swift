import Files
import Attacks
import Datasets
import Foundation
import Models
import Robustness
import TensorEngine
import Training

/// Runs a job: loads the data, trains, evaluates the models before and after, and judges them by the gates.
package struct JobRunner: Sendable {
  package let engine: Engine
  package let catalogue: any Catalogue

  package init(engine: Engine, catalogue: any Catalogue) {
    self.engine = engine
    self.catalogue = catalogue
  }

  /// Runs the job on the calling thread and writes its checkpoints, and its evidence to `Evidence.url(in: directory)` unless the spec wants
  /// none. The caller stores the report and the evidence, and then removes the saved state: with `removeState(in:)`, or with the whole
  /// directory.
  ///
  /// - Parameters:
  ///   - directory: of this job alone; made if it is missing.
  ///   - checkpoints: takes the weights; by default the folder `checkpoints` in `directory`.
  ///   - resume: whether to continue from the state that an earlier attempt saved in `directory`.
  ///   - knownStep: the weight updates in the last state that was saved, as far as the caller knows: a warning tells when it is missing.
  ///   - saveInterval: seconds between saved states. It is longer if saving takes too much of the run's time.
  ///   - setAside: moves a damaged file out of the way, for the reason given. By default it renames it to `NAME.damaged`.
  ///   - requireRoom: called while an evaluation runs, on any thread, without waiting: what it throws has `waitForRoom` called.
  ///   - waitForRoom: called on any thread when a file cannot be written or opened for lack of room, descriptors or memory. When it
  ///     returns, the operation is tried again. An error that it throws ends the run, except when a background save waits.
  /// - Throws: `Interruption` when `control` asks for it; the state to go on from has then been saved. `TrainingError`, `DatasetError`,
  ///   `ModelError`, `WeightsError`, `StorageError`, `NotFound` with a sentence each.
  package func run(
    _ spec: JobSpec, in directory: URL, checkpoints: (any CheckpointStorage)? = nil, resume: Bool = false, knownStep: Int? = nil,
    saveInterval: Double = 1, sink: RunSink = RunSink(), control: RunControl = RunControl(),
    setAside: @escaping @Sendable (URL, String) throws -> Void = TrainingRun.renameDamaged,
    requireRoom: @escaping @Sendable () throws -> Void = {},
    waitForRoom: @escaping @Sendable (StorageError) throws -> Void = { throw $0 }
  ) throws -> Report {
    try control.check()
    try waitingOutShortage(waitForRoom) { try Folder.make(directory) }
    if !resume {
      Self.removeState(in: directory)
      Folder.remove(Evidence.url(in: directory))
    }
    let missing = try resume ? Self.missingState(in: directory, known: knownStep) : nil
    let whole = try waitingOutShortage(waitForRoom) { try catalogue.load(spec.dataset.reference) }
    let dataset = whole.limited(to: spec.dataset.limit, seed: spec.seed).named(spec, catalogue)
    let graph = try spec.model.description.graph(input: dataset.imageShape, classes: dataset.classes)
    let facts = DatasetFacts(whole)
    let meter = JobProgressMeter(
      trainingShare: Estimate(spec, facts, graph).trainingShare, report: sink.progress)
    let run = RunningJob(
      spec: spec, dataset: dataset, graph: graph, engine: engine, catalogue: catalogue, meter: meter, sink: sink, control: control,
      threads: min(spec.resources.threads ?? engine.threads, engine.threads),
      storage: RunStorage(
        directory: directory, checkpoints: checkpoints ?? CheckpointFolder(directory), saveInterval: saveInterval, setAside: setAside,
        requireRoom: requireRoom, waitForRoom: waitForRoom),
      missing: missing)
    let report = try run.report(resume: resume)
    meter.finish()
    return report
  }

  /// The saved state from which a job in `directory` would continue; `nil` if there is none.
  package static func savedState(in directory: URL) -> SavedState? {
    (try? EvaluationFile(directory: directory).read()?.saved) ?? TrainingRun.savedState(in: directory)
  }

  /// Of a state that was saved and is no longer there. What is there and damaged is told where it is read.
  private static func missingState(in directory: URL, known step: Int?) throws -> Warning? {
    let found = savedState(in: directory)?.step
    guard let step, step > found ?? 0, try damagedStates(in: directory).isEmpty else { return nil }
    return .savedStateMissing(step: step, found: found)
  }

  /// The damaged saved states in `directory`, each with the reason as a clause.
  package static func damagedStates(in directory: URL) throws -> [(name: String, reason: String)] {
    let training = try TrainingRun.damagedStates(in: directory)
    do {
      _ = try EvaluationFile(directory: directory).read()
      return training
    } catch let damage as SealedFile.Damage {
      return training + [(EvaluationFile.name, damage.reason)]
    }
  }

  /// Removes the saved state and the half-written files of killed processes. Call it when the job is over and its report is stored.
  package static func removeState(in directory: URL) {
    TrainingRun.removeState(in: directory)
    EvaluationFile(directory: directory).remove()
    for name in imageFiles { Folder.remove(directory.appendingPathComponent(name)) }
    for folder in [directory, directory.appendingPathComponent("checkpoints")] {
      for name in Folder.names(in: folder) where name.hasPrefix(".") && name.hasSuffix(".new") {
        Folder.remove(folder.appendingPathComponent(name))
      }
    }
  }
}

extension JobRunner {
  /// The files of the images that an evaluation finds, and that a training makes of its base model, in the folder of a job.
  static let imageFiles = [FinalEvaluation.imagesName, TrainingRun.baseImagesName] + GenerationRun.Part.allCases.map(\.imagesName)

  /// Runs a job that makes adversarial images, on the calling thread: they are left as `GeneratedImages.url(in: directory)`, with
  /// `Evidence.url(in: directory)` beside them. The parameters are those of `run`.
  package func generate(
    _ spec: JobSpec, in directory: URL, resume: Bool = false, saveInterval: Double = 1, sink: RunSink = RunSink(),
    control: RunControl = RunControl(), setAside: @escaping @Sendable (URL, String) throws -> Void = TrainingRun.renameDamaged,
    requireRoom: @escaping @Sendable () throws -> Void = {},
    waitForRoom: @escaping @Sendable (StorageError) throws -> Void = { throw $0 }
  ) throws -> GeneratedImages {
    guard let generation = spec.generation, let initial = spec.model.initial else { throw NotFound("images to make") }
    try control.check()
    try waitingOutShortage(waitForRoom) { try Folder.make(directory) }
    if !resume { Self.removeState(in: directory) }
    let dataset = try waitingOutShortage(waitForRoom) { try catalogue.load(spec.dataset.reference) }
    let graph = try spec.model.description.graph(input: dataset.imageShape, classes: dataset.classes)
    guard let stored = try waitingOutShortage(waitForRoom, { try catalogue.weights(initial) }) else { throw NotFound("weights \(initial)") }
    let meter = JobProgressMeter(trainingShare: 0, report: sink.progress)
    let run = GenerationRun(
      spec: spec, generation: generation, dataset: dataset, graph: graph,
      model: Subject(parameters: try Parameters(stored.weights, for: graph.layout), sha256: stored.sha256), engine: engine,
      threads: min(spec.resources.threads ?? engine.threads, engine.threads), meter: meter, sink: sink, control: control,
      storage: RunStorage(
        directory: directory, checkpoints: CheckpointFolder(directory), saveInterval: saveInterval, setAside: setAside,
        requireRoom: requireRoom, waitForRoom: waitForRoom))
    let images = try run.run(resume: resume)
    meter.finish()
    return images
  }
}

/// Where a run stores what outlives its process, and how it handles failures.
struct RunStorage: Sendable {
  let directory: URL
  let checkpoints: any CheckpointStorage
  let saveInterval: Double
  let setAside: @Sendable (URL, String) throws -> Void
  /// Throws `StorageError` when no more is to be written for now.
  let requireRoom: @Sendable () throws -> Void
  let waitForRoom: @Sendable (StorageError) throws -> Void
}

/// A run with everything that it needs.
private struct RunningJob {
  let spec: JobSpec
  let dataset: Dataset
  let graph: Graph
  let engine: Engine
  let catalogue: any Catalogue
  let meter: JobProgressMeter
  let sink: RunSink
  let control: RunControl
  let threads: Int
  let storage: RunStorage
  /// About a saved state that is missing.
  let missing: Warning?

  private struct Trained {
    var base: Subject?
    var final: Subject
    var warnings: [Warning] = []
    var seconds: [String: Double] = [:]
    var validationCount = 0
    var saved = SavedState(step: 0, position: 0)
  }

  func report(resume: Bool) throws -> Report {
    let repeated = try repeatedImages
    if let missing { sink.warning(missing) }
    let trained = try spec.training.map { try train($0, resume: resume) } ?? uploaded()
    let baseline = try spec.evaluation.baseline.map { try subject($0) } ?? trained.base
    let evaluation = try FinalEvaluation(
      spec: spec, dataset: dataset, graph: graph, engine: engine, threads: threads, meter: meter, sink: sink, control: control,
      storage: storage, trained: trained.saved
    ).run(before: baseline, after: trained.final, resume: resume)
    let (before, after) = (evaluation.before, evaluation.after)
    try evaluation.images.map { try keepEvidence($0, after, of: trained.final) }
    var warnings = [missing].compactMap { $0 } + trained.warnings + evaluation.warnings
    for warning in [weakerThanTraining, singleValueBatches(trained), repeated].compactMap({ $0 }) {
      sink.warning(warning)
      warnings.append(warning)
    }
    for warning in after.warnings { sink.warning(warning) }
    var times = trained.seconds
    times[TrainingPhase.evaluate.rawValue, default: 0] += evaluation.seconds
    let report = Report(
      dataset: described(trained.validationCount, after),
      model: Report.Model(
        architecture: spec.model.description.title, parameters: graph.layout.count, sha256: trained.final.sha256,
        baseSHA256: baseline?.sha256),
      spec: spec.json, before: before, after: after,
      comparison: spec.evaluation.baseline == nil ? nil : before.flatMap { Comparison(after, baseline: $0) }, seconds: times,
      warnings: warnings, gates: spec.gates)
    for warning in report.warnings where !warnings.contains(warning) && !after.warnings.contains(warning) { sink.warning(warning) }
    return report
  }

  // MARK: Training

  private func train(_ settings: TrainingSettings, resume: Bool) throws -> Trained {
    let (initial, aboutWeights) = try initialParameters()
    for warning in aboutWeights { sink.warning(warning) }
    let control = control
    let outcome = try TrainingRun(
      dataset: dataset, graph: graph, description: spec.model.description, initial: initial, threat: spec.threat, settings: settings,
      engine: engine, threads: threads, precision: spec.precision, seed: spec.seed, directory: storage.directory,
      checkpoints: storage.checkpoints, resume: resume, saveInterval: storage.saveInterval,
      sink: TrainingSink(
        progress: meter.training, metrics: sink.metrics, warning: sink.warning, beganAgain: sink.beganAgain, checkpoint: sink.checkpoint,
        saved: sink.saved),
      setAside: storage.setAside, waitForRoom: storage.waitForRoom, control: { try control.check() }
    ).run()
    var seconds: [String: Double] = [:]
    for (phase, time) in outcome.seconds { seconds[phase.rawValue] = time }
    return Trained(
      base: Subject(parameters: outcome.base.parameters, sha256: outcome.base.checkpoint.sha256),
      final: Subject(parameters: outcome.selected.parameters, sha256: outcome.selected.checkpoint.sha256),
      warnings: aboutWeights + outcome.warnings,
      seconds: seconds, validationCount: validationCount(settings), saved: outcome.saved)
  }

  /// The weights that training begins with, and what there is to say of them.
  private func initialParameters() throws -> (Parameters, [Warning]) {
    guard let id = spec.model.initial else {
      let layout = spec.training?.initialLayout(of: graph) ?? graph.layout
      return (try parameters(of: Weights(layout, seed: spec.seed)), [])
    }
    let weights = try stored(id).weights
    guard let last = LastLayer(graph), let other = last.otherClasses(of: weights.outline) else {
      return (try parameters(of: weights), Warning.tensorsLeftOut(try weights.outline.fit(graph.layout)))
    }
    return (
      try parameters(of: last.renewed(weights, of: other, seed: spec.seed)),
      [.newLastLayer(last.names, classes: (other, dataset.classes))]
    )
  }

  private func validationCount(_ settings: TrainingSettings) -> Int {
    dataset.trainingParts(fraction: settings.validationFraction, seed: spec.seed).validation.count
  }

  private var attackOfTraining: AttackSettings? {
    guard let training = spec.training, training.method.attack != nil, training.epochsOfMethod > 0 else { return nil }
    return training.attack
  }

  private func uploaded() throws -> Trained {
    guard let id = spec.model.initial else { throw NotFound("weights to evaluate") }
    let warnings = Warning.tensorsLeftOut(try stored(id).weights.outline.fit(graph.layout))
    for warning in warnings { sink.warning(warning) }
    return Trained(final: try subject(id), warnings: warnings)
  }

  private func subject(_ id: String) throws -> Subject {
    let stored = try stored(id)
    return Subject(parameters: try parameters(of: stored.weights), sha256: stored.sha256)
  }

  private func stored(_ id: String) throws -> StoredWeights {
    guard let stored = try waitingOutShortage(storage.waitForRoom, { try catalogue.weights(id) }) else { throw NotFound("weights \(id)") }
    return stored
  }

  private func parameters(of weights: Weights) throws -> Parameters { try Parameters(weights, for: graph.layout) }

  // MARK: Evidence

  private func keepEvidence(_ images: AdversarialImages, _ evaluation: Evaluation, of model: Subject) throws {
    guard let outcomes = evaluation.outcomes else { return }
    let evidence = EvidenceWriter(
      spec: spec, dataset: dataset, modelSHA256: model.sha256, attacks: evaluation.attacks.map(\.settings), outcomes: outcomes,
      images: images)
    try waitingOutShortage(storage.waitForRoom) { try evidence.write(to: Evidence.url(in: storage.directory)) { try control.check() } }
  }

  // MARK: Warnings

  private var weakerThanTraining: Warning? {
    .evaluationNotStronger(training: attackOfTraining, evaluation: spec.evaluation.attacks, norm: spec.threat.norm)
  }

  private func singleValueBatches(_ trained: Trained) -> Warning? {
    guard let training = spec.training, graph.hasSingleValueBatchNorm else { return nil }
    return .singleValueBatch(trainCount: dataset.train.count - trained.validationCount, batchSize: training.batchSize)
  }

  private var repeatedImages: Warning? {
    get throws {
      let ids = spec.evaluation.examples(of: dataset.test, classes: dataset.classes, seed: spec.seed)
      let count = try RepeatedImages(dataset).count(of: ids) { try control.check() }
      return .testImagesInTraining(count, of: ids.count)
    }
  }

  // MARK: The report

  private func described(_ validationCount: Int, _ evaluation: Evaluation) -> Report.Dataset {
    let id: String? =
      switch spec.dataset.reference {
      case .id(let id): id
      case .path: nil
      }
    return Report.Dataset(
      id: id ?? dataset.name, name: dataset.name, shape: dataset.imageShape.dimensions, classes: dataset.classNames,
      trainCount: spec.training == nil ? 0 : dataset.train.count - validationCount, validationCount: validationCount,
      testCount: dataset.test.count, evaluatedCount: evaluation.cleanAccuracy.total,
      evaluatedSHA256: evaluation.outcomes.map { ExampleOutcomes.digest(of: $0.ids) })
  }
}

extension ModelDescription {
  /// The name in reports.
  var title: String {
    switch architecture {
    case .preset(let name, _): name
    case .layers(let layers): "layers (\(layers.count))"
    case .nodes(let nodes): "graph (\(nodes.count) nodes)"
    }
  }
}
