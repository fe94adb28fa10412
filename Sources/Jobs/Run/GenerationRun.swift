import Attacks
import Datasets
import Files
import Foundation
import Robustness
import TensorEngine
import Training

/// Makes adversarial images of a data set: each image is attacked once, and the best that the attack found takes its place. It is an
/// evaluation by one attack that keeps every image, and is saved and resumed as one.
struct GenerationRun {
  let spec: JobSpec
  let generation: GenerationSection
  /// Not limited.
  let dataset: Dataset
  let graph: Graph
  let model: Subject
  let engine: Engine
  let threads: Int
  let meter: JobProgressMeter
  let sink: RunSink
  let control: RunControl
  let storage: RunStorage

  /// A part of a data set.
  enum Part: String, CaseIterable {
    case train, test

    /// The file of its images in the folder of a job.
    var imagesName: String { "generation.\(rawValue).images" }
  }

  func run(resume: Bool) throws -> GeneratedImages {
    let saving = EvaluationSaving(storage, sink, control)
    let saved = try saving.found(resume: resume).state
    if let fraction = saved?.fraction { meter.resume(at: fraction) }
    let journals = Journals(
      train: EvaluationJournal(model: model.sha256, saved?.before), test: EvaluationJournal(model: model.sha256, saved?.after),
      meter: meter)
    let sources = try Part.allCases.map(source)
    let attacked = sources.filter { $0.images != nil }
    return try saving.run(saving: { journals.state }, images: attacked.compactMap(\.images)) { evaluations in
      let team = try NetworkTeam(engine: engine, graph: graph, parameters: model.parameters, width: threads)
      let parts = try sources.map { source in
        let number = attacked.firstIndex { $0.part == source.part } ?? 0
        return try attack(source, team, journals, evaluations, number: number, of: attacked.count)
      }
      let writer = GeneratedImagesWriter(spec: spec, generation: generation, dataset: dataset, modelSHA256: model.sha256, parts: parts)
      return try waitingOutShortage(storage.waitForRoom) { try writer.write(in: storage.directory) { try control.check() } }
    }
  }

  private struct Journals: Sendable {
    let train, test: EvaluationJournal
    let meter: JobProgressMeter

    func of(_ part: Part) -> EvaluationJournal { part == .train ? train : test }

    var state: EvaluationState {
      let (train, test) = (train.snapshot, test.snapshot)
      return EvaluationState(
        before: train, after: test, fraction: meter.fraction,
        saved: SavedState(step: 0, position: train.finishedShards + test.finishedShards))
    }
  }

  /// What is attacked, or kept as it is.
  private struct Source: Sendable {
    let part: Part
    let split: Split
    /// The images that the new data set is to have, by index.
    let ids: [Int]
    /// `nil` for a part that is not attacked.
    let images: AdversarialImages?
  }

  private func source(_ part: Part) throws -> Source {
    let split = part == .train ? dataset.train : dataset.test
    let ids = part == .train ? dataset.trainImages(limit: spec.dataset.limit, seed: spec.seed) : Array(0..<split.count)
    let isAttacked = part == .train ? generation.part.isTrain : generation.part.isTest
    let images =
      try !isAttacked
      ? nil
      : waitingOutShortage(storage.waitForRoom) {
        try AdversarialImages(
          storage.directory.appendingPathComponent(part.imagesName), count: ids.count, imageShape: dataset.imageShape, keepsAll: true)
      }
    return Source(part: part, split: split, ids: ids, images: images)
  }

  private func attack(
    _ source: Source, _ team: NetworkTeam, _ journals: Journals, _ evaluations: SavedEvaluations, number: Int, of count: Int
  ) throws -> GeneratedPartImages {
    let (split, ids) = (source.split, source.ids)
    guard let images = source.images else { return GeneratedPartImages(part: source.part, split: split, ids: ids) }
    let set = EvaluationSet(ids: ids, labels: split.labels(at: ids), classNames: dataset.classNames) { positions in
      try split.images(at: positions.map { ids[$0] })
    }
    let settings = EvaluationSettings(
      attacks: [generation.attack], samples: ids.count, curve: [], seed: spec.seed, selfCheck: false)
    let meter = meter
    _ = try evaluations.run(
      Evaluator(settings: settings, threat: spec.threat), team, on: set, journal: journals.of(source.part), images: images
    ) { meter.evaluation(part: number, of: count, fraction: $0, phase: .attack) }
    return GeneratedPartImages(
      part: source.part, split: split, ids: ids, images: images, found: images.found)
  }
}
