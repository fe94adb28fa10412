import Files
import Attacks
import Datasets
import Foundation
import Robustness
import TensorEngine
import Training

/// Weights to evaluate, and the digest of their file.
struct Subject: Sendable {
  let parameters: Parameters
  let sha256: String
}

/// The final evaluations of a job: of the base model and of the final model. Finished shards are saved while they run, and with them the
/// misclassified images of the final model, of which the evidence is made.
struct FinalEvaluation {
  let spec: JobSpec
  let dataset: Dataset
  let graph: Graph
  let engine: Engine
  let threads: Int
  let meter: JobProgressMeter
  let sink: RunSink
  let control: RunControl
  let storage: RunStorage
  /// The last saved state of the training.
  let trained: SavedState

  struct Outcome {
    let before: Evaluation?
    let after: Evaluation
    /// The seconds over all attempts.
    let seconds: Double
    /// Warnings about the saved evaluation.
    let warnings: [Warning]
    /// The misclassified images of the final model; `nil` when the spec wants none.
    let images: AdversarialImages?
  }

  /// The file of those images in the folder of a job.
  static let imagesName = "evaluation.images"

  /// - Parameter resume: whether to continue from the saved state of an earlier attempt.
  func run(before: Subject?, after: Subject, resume: Bool) throws -> Outcome {
    let saving = EvaluationSaving(storage, sink, control)
    let (saved, warnings) = try saving.found(resume: resume)
    if let fraction = saved?.fraction { meter.resume(at: fraction) }
    // The same weights are evaluated only once.
    let isSame = before?.sha256 == after.sha256
    let base = isSame ? nil : before
    let (baseName, known) = (base?.sha256 ?? "", base == nil ? nil : saved)
    let journals = Journals(
      before: .init(EvaluationJournal(model: baseName, known?.before), EvaluationJournal(model: baseName, known?.transferBefore)),
      after: .init(EvaluationJournal(model: after.sha256, saved?.after), EvaluationJournal(model: after.sha256, saved?.transferAfter)),
      trained: trained, meter: meter)
    let images = try spec.evaluation.keepsEvidence ? openImages() : nil
    return try saving.run(saving: { journals.state }, images: [images].compactMap { $0 }) { evaluations in
      let perSubject = spec.showsTransfer ? 2 : 1
      let parts = base == nil ? perSubject : 2 * perSubject
      let first = try base.map { try evaluate($0, part: 0, of: parts, journals.before, evaluations) }
      let second = try evaluate(after, part: parts - perSubject, of: parts, journals.after, evaluations, images)
      // Needed until the report is stored.
      evaluations.save()
      return Outcome(
        before: isSame ? second : first, after: second, seconds: (first?.seconds ?? 0) + second.seconds, warnings: warnings,
        images: images)
    }
  }

  /// The journals of one model.
  private struct ModelJournals: Sendable {
    let own: EvaluationJournal
    /// Of the attacks that do not see the preprocessing.
    let transfer: EvaluationJournal

    init(_ own: EvaluationJournal, _ transfer: EvaluationJournal) {
      self.own = own
      self.transfer = transfer
    }
  }

  private struct Journals: Sendable {
    let before: ModelJournals
    let after: ModelJournals
    let trained: SavedState
    let meter: JobProgressMeter

    var state: EvaluationState {
      let snapshots = [before.own, after.own, before.transfer, after.transfer].map(\.snapshot)
      func unlessEmpty(_ snapshot: EvaluationJournal.Snapshot) -> EvaluationJournal.Snapshot? { snapshot.stages.isEmpty ? nil : snapshot }
      return EvaluationState(
        before: snapshots[0], after: snapshots[1], transferBefore: unlessEmpty(snapshots[2]), transferAfter: unlessEmpty(snapshots[3]),
        fraction: meter.fraction,
        saved: SavedState(step: trained.step, position: snapshots.reduce(trained.position) { $0 + $1.finishedShards }))
    }
  }

  private func openImages() throws -> AdversarialImages {
    try waitingOutShortage(storage.waitForRoom) {
      try AdversarialImages(
        storage.directory.appendingPathComponent(Self.imagesName), count: chosen.count, imageShape: dataset.imageShape)
    }
  }

  /// The test images to evaluate, by index.
  private var chosen: [Int] { spec.evaluation.examples(of: dataset.test, classes: dataset.classes, seed: spec.seed) }

  /// What is evaluated with what.
  private struct Part {
    let settings: EvaluationSettings
    let team: any ClassifierTeam
    var certifier: (any Certifier)?
    let journal: EvaluationJournal
    var images: AdversarialImages?
    /// Its place among `count` parts of the whole.
    let index, count: Int
  }

  private func evaluate(
    _ subject: Subject, part: Int, of parts: Int, _ journal: ModelJournals, _ evaluations: SavedEvaluations,
    _ images: AdversarialImages? = nil
  ) throws -> Evaluation {
    let settings = EvaluationSettings(
      attacks: spec.evaluation.attacks, threats: spec.evaluation.threats, samples: spec.evaluation.samples, curve: spec.evaluation.curve,
      seed: spec.seed, certificate: spec.evaluation.certificate)
    // In single precision whatever the job's: with gradients in bfloat16, and each success confirmed in single precision, `apgd_t` left up to
    // a point more standing, at most 1.2 times as fast.
    let whole = try NetworkTeam(engine: engine, graph: graph, parameters: subject.parameters, width: threads)
    let certifier = try certifier(of: subject, whole)
    guard !spec.model.description.preprocessing.isEmpty else {
      return try evaluate(
        Part(settings: settings, team: whole, certifier: certifier, journal: journal.own, images: images, index: part, count: parts),
        evaluations)
    }
    let bare = try NetworkTeam(
      engine: engine, graph: spec.bareGraph(dataset.imageShape, dataset.classes), parameters: subject.parameters, width: threads)
    let blind = TransferTeam(attacked: bare, judging: whole)
    let team: any ClassifierTeam = spec.evaluation.isAdaptive ? whole : blind
    var evaluation = try evaluate(
      Part(settings: settings, team: team, certifier: certifier, journal: journal.own, images: images, index: part, count: parts),
      evaluations)
    guard spec.evaluation.isAdaptive else {
      evaluation.warnings.append(.nonadaptiveAttack)
      return evaluation
    }
    let few = EvaluationSettings(attacks: settings.attacks, samples: settings.samples, seed: settings.seed, selfCheck: false)
    let transfer = try evaluate(
      Part(settings: few, team: blind, journal: journal.transfer, index: part + 1, count: parts), evaluations)
    evaluation.transfer = Evaluation.Transfer(transfer)
    evaluation.seconds += transfer.seconds
    return evaluation
  }

  private func certifier(of subject: Subject, _ team: NetworkTeam) throws -> (any Certifier)? {
    switch spec.evaluation.certificate {
    case .intervalBounds:
      try IntervalCertifier(engine: engine, graph: graph, parameters: subject.parameters, threat: spec.threat, width: threads)
    case .smoothing(let smoothing): SmoothingCertifier(smoothing, team)
    case nil: nil
    }
  }

  private func evaluate(_ part: Part, _ evaluations: SavedEvaluations) throws -> Evaluation {
    let (test, chosen) = (dataset.test, chosen)
    let set = EvaluationSet(ids: chosen, labels: test.labels(at: chosen), classNames: dataset.classNames) { positions in
      try test.images(at: positions.map { chosen[$0] })
    }
    let (meter, index, count) = (meter, part.index, part.count)
    return try evaluations.run(
      Evaluator(settings: part.settings, threat: spec.threat), part.team, on: set, journal: part.journal, images: part.images,
      certifier: part.certifier
    ) { meter.evaluation(part: index, of: count, fraction: $0) }
  }
}
