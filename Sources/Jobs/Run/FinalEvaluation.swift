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

/// The final evaluations of a job: of the base model and of the final model. Finished shards are saved while they run.
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
  }

  /// - Parameter resume: whether to continue from the saved state of an earlier attempt.
  func run(before: Subject?, after: Subject, resume: Bool) throws -> Outcome {
    let file = EvaluationFile(directory: storage.directory)
    let (saved, warnings): (EvaluationState?, [Warning]) = try resume ? found(file) : (nil, [])
    // The same weights are evaluated only once.
    let isSame = before?.sha256 == after.sha256
    let base = isSame ? nil : before
    let journals = Journals(
      before: EvaluationJournal(model: base?.sha256 ?? "", base == nil ? nil : saved?.before),
      after: EvaluationJournal(model: after.sha256, saved?.after), trained: trained)
    if let saved { sink.saved(saved.saved) }
    let told = sink.saved
    let saver = BackgroundSaver<EvaluationState>(interval: storage.saveInterval, onStorage: storage.onStorage) { state in
      let bytes = try file.write(state)
      told(state.saved)
      return bytes
    }
    // The caller may remove the file as soon as this returns.
    defer { saver.wait() }
    do {
      let parts = base == nil ? 1 : 2
      let first = try base.map { try evaluate($0, part: 0, of: parts, journals.before, journals, saver) }
      let second = try evaluate(after, part: parts - 1, of: parts, journals.after, journals, saver)
      // The saved state is needed until the report is stored.
      saver.wait()
      saver.saveIfDue(waivingInterval: true) { journals.state }
      return Outcome(
        before: isSame ? second : first, after: second, seconds: (first?.seconds ?? 0) + second.seconds, warnings: warnings)
    } catch {
      // The error that ended the evaluation matters more than a state that could not be written; the previous state still exists.
      try? saver.saveNow { journals.state }
      throw error
    }
  }

  private struct Journals: Sendable {
    let before: EvaluationJournal
    let after: EvaluationJournal
    let trained: SavedState

    var state: EvaluationState {
      let (before, after) = (before.snapshot, after.snapshot)
      let position = trained.position + before.finishedShards + after.finishedShards
      return EvaluationState(before: before, after: after, saved: SavedState(step: trained.step, position: position))
    }
  }

  private func found(_ file: EvaluationFile) throws -> (EvaluationState?, [Warning]) {
    do {
      return (try waitingOutShortage(storage.onStorage) { try file.read() }, [])
    } catch let damage as SealedFile.Damage {
      let warning = try waitingOutShortage(storage.onStorage) { try file.setAside(damage, by: storage.setAside) }
      sink.warning(warning)
      return (nil, [warning])
    }
  }

  private func evaluate(
    _ subject: Subject, part: Int, of parts: Int, _ journal: EvaluationJournal, _ journals: Journals,
    _ saver: BackgroundSaver<EvaluationState>
  ) throws -> Evaluation {
    let settings = EvaluationSettings(
      attacks: spec.evaluation.attacks, samples: spec.evaluation.samples, curve: spec.evaluation.curve, seed: spec.seed)
    let test = dataset.test
    let chosen = spec.evaluation.examples(of: test, classes: dataset.classes, seed: spec.seed)
    let set = EvaluationSet(ids: chosen, labels: test.labels(at: chosen), classNames: dataset.classNames) { positions in
      try test.images(at: positions.map { chosen[$0] })
    }
    let team = try NetworkTeam(engine: engine, graph: graph, parameters: subject.parameters, width: threads)
    let (control, meter) = (control, meter)
    meter.evaluation(part: part, of: parts, fraction: 0)
    return try Evaluator(settings: settings, threat: spec.threat).evaluate(
      team, on: set, journal: journal,
      control: {
        try control.check()
        try saver.check()
      },
      progress: {
        saver.saveIfDue { journals.state }
        meter.evaluation(part: part, of: parts, fraction: $0.fraction)
      })
  }
}
