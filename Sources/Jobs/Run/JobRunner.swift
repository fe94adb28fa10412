import Files
import Attacks
import Datasets
import Foundation
import Models
import Robustness
import TensorEngine
import Training

/// Turns a spec into weights and a report: loads, trains, evaluates before and after, judges by the gates.
package struct JobRunner: Sendable {
  package let engine: Engine
  package let catalogue: any Catalogue

  package init(engine: Engine, catalogue: any Catalogue) {
    self.engine = engine
    self.catalogue = catalogue
  }

  /// Runs the job on the calling thread, and leaves `report.json` and `checkpoints/` in `directory`.
  ///
  /// - Parameters:
  ///   - directory: of this job alone; made where it is missing.
  ///   - resume: go on from the state that an earlier attempt left there.
  /// - Throws: `Interruption` when `control` asks for it; the state to go on from has then been saved. `TrainingError`, `DatasetError`,
  ///   `ModelError`, `WeightsError`, `StorageError`, `NotFound` with a sentence each.
  package func run(
    _ spec: JobSpec, in directory: URL, resume: Bool = false, sink: RunSink = RunSink(), control: RunControl = RunControl()
  ) throws -> Report {
    try control.check()
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let whole = try catalogue.load(spec.dataset.reference)
    let dataset = whole.limited(to: spec.dataset.limit, seed: spec.seed)
    let graph = try spec.model.description.graph(input: dataset.imageShape, classes: dataset.classes)
    let facts = DatasetFacts(whole)
    let meter = ProgressMeter(
      trainingShare: Estimate(spec, facts, graph).trainingShare, report: sink.progress)
    let run = Run(
      spec: spec, dataset: dataset, graph: graph, engine: engine, catalogue: catalogue, meter: meter, sink: sink, control: control,
      threads: min(spec.resources.threads ?? engine.threads, engine.threads))
    let report = try run.report(in: directory, resume: resume)
    try AtomicFile.write(Data(report.json().utf8), to: directory.appendingPathComponent("report.json"))
    // Only now: a run that is cut off before its report exists goes on from its state.
    if spec.training != nil { try TrainingRun.removeState(in: directory) }
    meter.finish()
    return report
  }
}

/// One run with all that it needs.
private struct Run {
  let spec: JobSpec
  let dataset: Dataset
  let graph: Graph
  let engine: Engine
  let catalogue: any Catalogue
  let meter: ProgressMeter
  let sink: RunSink
  let control: RunControl
  let threads: Int

  /// Weights under evaluation, and the digest of their file.
  private struct Subject {
    let parameters: Parameters
    let sha256: String
  }

  private struct Trained {
    var base: Subject?
    var final: Subject
    var warnings: [Warning] = []
    var seconds: [String: Double] = [:]
    var validationCount = 0
  }

  func report(in directory: URL, resume: Bool) throws -> Report {
    let trained = try spec.training.map { try train($0, in: directory, resume: resume) } ?? uploaded()
    let baseline = try spec.evaluation.baseline.map { try subject($0) } ?? trained.base
    let (before, after, seconds) = try evaluate(before: baseline, after: trained.final)
    var warnings = trained.warnings
    if let warning = Warning.evaluationNotStronger(training: attackOfTraining, evaluation: spec.evaluation.attacks) {
      sink.warning(warning)
      warnings.append(warning)
    }
    for warning in after.warnings { sink.warning(warning) }
    var times = trained.seconds
    times[TrainingPhase.evaluate.rawValue, default: 0] += seconds
    let report = Report(
      dataset: described(trained.validationCount, evaluated: after.cleanAccuracy.total),
      model: Report.Model(
        architecture: spec.model.description.title, parameters: graph.layout.count, sha256: trained.final.sha256,
        baseSHA256: baseline?.sha256),
      spec: spec.json, before: before, after: after, seconds: times, warnings: warnings, gates: spec.gates)
    for warning in report.warnings where !warnings.contains(warning) && !after.warnings.contains(warning) { sink.warning(warning) }
    return report
  }

  // MARK: Training

  private func train(_ settings: TrainingSettings, in directory: URL, resume: Bool) throws -> Trained {
    let initial =
      try spec.model.initial.map { try subject($0).parameters } ?? parameters(of: Weights(graph.layout, seed: spec.seed))
    let control = control
    let outcome = try TrainingRun(
      dataset: dataset, graph: graph, description: spec.model.description, initial: initial, threat: spec.threat, settings: settings,
      engine: engine, threads: threads, precision: spec.precision, seed: spec.seed, directory: directory, resume: resume,
      sink: TrainingSink(progress: meter.training, metrics: sink.metrics, warning: sink.warning, checkpoint: sink.checkpoint),
      control: { try control.check() }
    ).run()
    var seconds: [String: Double] = [:]
    for (phase, time) in outcome.seconds { seconds[phase.rawValue] = time }
    return Trained(
      base: Subject(parameters: outcome.base.parameters, sha256: outcome.base.checkpoint.sha256),
      final: Subject(parameters: outcome.selected.parameters, sha256: outcome.selected.checkpoint.sha256), warnings: outcome.warnings,
      seconds: seconds, validationCount: validationCount(settings))
  }

  private func validationCount(_ settings: TrainingSettings) -> Int {
    stratifiedValidation(
      of: dataset.train.labels, classes: dataset.classes, fraction: settings.validationFraction, seed: spec.seed
    ).validation.count
  }

  private var attackOfTraining: AttackSettings? {
    guard let training = spec.training, training.method != .standard, training.epochs > 0 else { return nil }
    return training.attack
  }

  private func uploaded() throws -> Trained {
    guard let id = spec.model.initial else { throw NotFound("weights to evaluate") }
    return Trained(final: try subject(id))
  }

  private func subject(_ id: String) throws -> Subject {
    guard let stored = try catalogue.weights(id) else { throw NotFound("weights \(id)") }
    return Subject(parameters: try parameters(of: stored.weights), sha256: stored.sha256)
  }

  private func parameters(of weights: Weights) throws -> Parameters {
    let parameters = Parameters(graph.layout)
    for (index, tensor) in try weights.tensors(for: graph.layout).enumerated() { parameters[index] = tensor }
    return parameters
  }

  // MARK: Evaluation

  private func evaluate(before: Subject?, after: Subject) throws -> (before: Evaluation?, after: Evaluation, seconds: Double) {
    let clock = ContinuousClock()
    let start = clock.now
    // The same weights twice need one look.
    let isSame = before?.sha256 == after.sha256
    let parts = before == nil || isSame ? 1 : 2
    let first = try isSame ? nil : before.map { try evaluate($0, part: 0, of: parts) }
    let second = try evaluate(after, part: parts - 1, of: parts)
    return (isSame ? second : first, second, (clock.now - start) / .seconds(1))
  }

  private func evaluate(_ subject: Subject, part: Int, of parts: Int) throws -> Evaluation {
    let settings = EvaluationSettings(
      attacks: spec.evaluation.attacks, samples: spec.evaluation.samples, curve: spec.evaluation.curve, seed: spec.seed)
    let test = dataset.test
    let chosen = settings.sample(of: test.count)
    let set = EvaluationSet(ids: chosen, labels: test.labels(at: chosen), classNames: dataset.classNames) { positions in
      try test.images(at: positions.map { chosen[$0] })
    }
    let team = try NetworkTeam(engine: engine, graph: graph, parameters: subject.parameters, width: threads)
    let (control, meter) = (control, meter)
    meter.evaluation(part: part, of: parts, fraction: 0)
    return try Evaluator(settings: settings, threat: spec.threat).evaluate(
      team, on: set, control: { try control.check() },
      progress: { meter.evaluation(part: part, of: parts, fraction: $0.fraction) })
  }

  private func described(_ validationCount: Int, evaluated: Int) -> Report.Dataset {
    let id: String? =
      switch spec.dataset.reference {
      case .id(let id): id
      case .path: nil
      }
    return Report.Dataset(
      id: id ?? dataset.name, name: dataset.name, shape: dataset.imageShape.dimensions, classes: dataset.classNames,
      trainCount: spec.training == nil ? 0 : dataset.train.count - validationCount, validationCount: validationCount,
      testCount: dataset.test.count, evaluatedCount: evaluated)
  }
}

extension ModelDescription {
  /// What a report calls it.
  var title: String {
    switch architecture {
    case .preset(let name, _): name
    case .layers(let layers): "layers (\(layers.count))"
    }
  }
}
