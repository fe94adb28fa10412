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
    let file = EvaluationFile(directory: storage.directory)
    let (saved, warnings) = try resume ? file.found(storage) : (nil, [])
    for warning in warnings { sink.warning(warning) }
    let journals = Journals(
      train: EvaluationJournal(model: model.sha256, saved?.before), test: EvaluationJournal(model: model.sha256, saved?.after))
    if let saved { sink.saved(saved.saved) }
    let sources = try Part.allCases.map(source)
    let told = sink.saved
    let saver = BackgroundSaver<EvaluationState>(interval: storage.saveInterval, waitForRoom: storage.waitForRoom) { state in
      let bytes = try sources.reduce(0) { try $0 + ($1.images?.sync() ?? 0) } + file.write(state)
      told(state.saved)
      return bytes
    }
    // The caller may remove the file as soon as this returns.
    defer { saver.wait() }
    do {
      let team = try NetworkTeam(engine: engine, graph: graph, parameters: model.parameters, width: threads)
      let attacked = sources.filter { $0.images != nil }
      let parts = try sources.map { source in
        let number = attacked.firstIndex { $0.part == source.part }
        return try attack(source, team, journals, saver, number: number ?? 0, of: attacked.count)
      }
      let writer = GeneratedImagesWriter(spec: spec, generation: generation, dataset: dataset, modelSHA256: model.sha256, parts: parts)
      return try waitingOutShortage(storage.waitForRoom) { try writer.write(in: storage.directory) { try control.check() } }
    } catch {
      // The error that ended the run matters more than a state that could not be written; the previous state still exists.
      try? saver.saveNow { journals.state }
      throw error
    }
  }

  private struct Journals: Sendable {
    let train, test: EvaluationJournal

    func of(_ part: Part) -> EvaluationJournal { part == .train ? train : test }

    var state: EvaluationState {
      let (train, test) = (train.snapshot, test.snapshot)
      return EvaluationState(
        before: train, after: test, saved: SavedState(step: 0, position: train.finishedShards + test.finishedShards))
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
    _ source: Source, _ team: NetworkTeam, _ journals: Journals, _ saver: BackgroundSaver<EvaluationState>, number: Int, of count: Int
  ) throws -> GeneratedPartImages {
    let (split, ids) = (source.split, source.ids)
    guard let images = source.images else { return GeneratedPartImages(part: source.part, split: split, ids: ids) }
    let set = EvaluationSet(ids: ids, labels: split.labels(at: ids), classNames: dataset.classNames) { positions in
      try split.images(at: positions.map { ids[$0] })
    }
    let settings = EvaluationSettings(
      attacks: [generation.attack], samples: ids.count, curve: [], seed: spec.seed, selfCheck: false)
    let (control, meter) = (control, meter)
    meter.evaluation(part: number, of: count, fraction: 0, phase: .attack)
    _ = try waitingOutShortage(storage.waitForRoom) {
      try Evaluator(settings: settings, threat: spec.threat).evaluate(
        team, on: set, journal: journals.of(source.part), images: images,
        control: {
          try control.check()
          try saver.check()
        },
        progress: {
          saver.saveIfDue { journals.state }
          meter.evaluation(part: number, of: count, fraction: $0.fraction, phase: .attack)
        })
    }
    return GeneratedPartImages(
      part: source.part, split: split, ids: ids, images: images, found: images.found)
  }
}
