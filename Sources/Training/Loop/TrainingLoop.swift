import Attacks
import Datasets
import Files
import Foundation
import Robustness
import TensorEngine

/// One attempt of a run: takes the state from wherever it stands to the end.
final class TrainingLoop {
  private let run: TrainingRun
  private let settings: TrainingSettings
  private let training: [Int]
  private let examiner: Examiner
  private let trainer: BatchTrainer
  private let store: CheckpointWriter
  private let optimizer: Optimizer
  private let saver: StateSaver
  private var state: ResumeState
  /// The state that the run goes on from, and what there is to say of it.
  private var restored: SavedState?
  private var resumeWarnings: [Warning] = []
  private var epochClock = EpochClock()

  init(_ run: TrainingRun) throws {
    try Self.check(run)
    self.run = run
    settings = run.settings
    let parts = stratifiedValidation(
      of: run.dataset.train.labels, classes: run.dataset.classes, fraction: run.settings.validationFraction, seed: run.seed)
    training = parts.train
    examiner = Examiner(run, training: parts.train, validation: parts.validation)
    trainer = try BatchTrainer(run)
    store = try CheckpointWriter(run)
    optimizer = Optimizer(run.settings.optimizer.updateRule, count: run.graph.layout.trainedCount)
    saver = StateSaver(run, trainer.parameters, optimizer, trainer.state)
    state = ResumeState(fingerprint: try run.fingerprint(), engine: run.engineVersion)
    try waitingOutShortage(run.waitForRoom) { try Folder.make(run.directory) }
    if run.resume { try restore() } else { saver.removeAll() }
  }

  private static func check(_ run: TrainingRun) throws {
    let (dataset, graph) = (run.dataset, run.graph)
    guard dataset.train.count > 0 else { throw TrainingError.unsuitable("the dataset \(dataset.name) has no images to train on") }
    guard run.settings.totalEpochs > 0 else { throw TrainingError.unsuitable("there is nothing to do in 0 base epochs and 0 epochs") }
    guard graph.inputShape == dataset.imageShape, graph.outputShape == [dataset.classes] else {
      throw TrainingError.unsuitable(
        "the network takes \(graph.inputShape) to \(graph.outputShape), but \(dataset.name) has images of \(dataset.imageShape) in "
          + "\(dataset.classes) classes")
    }
  }

  /// - Returns: the state at the end; the loop, with all its memory, is no longer needed then.
  func callAsFunction() throws -> ResumeState {
    // Whoever called may remove the folder as soon as this returns.
    defer { saver.wait() }
    try tellAgain()
    for warning in resumeWarnings { warn(warning) }
    if !state.isFinished {
      warnOfSettings()
      if settings.baseEpochs == 0 && state.checkpoints[.base] == nil { try keepUntrained() }
      while !state.isFinished {
        try trainEpoch()
        try endEpoch()
      }
    }
    return state
  }

  // MARK: Epochs

  private func trainEpoch() throws {
    let batches = Batches(shuffling: training, size: settings.batchSize, seed: run.seed, epoch: state.epoch + 1)
    epochClock = EpochClock()
    while state.step < batches.count {
      do {
        try run.control()
        try trainBatch(batches)
      } catch let error as TrainingError {
        throw error
      } catch {
        // What ended the run matters more than a state that could not be written: the one before it is still there.
        try? saver.saveNow(state)
        throw error
      }
      try saver.check()
      saver.saveIfDue { state }
    }
  }

  private func trainBatch(_ batches: Batches) throws {
    let stage = Stage(settings, after: state.epoch)
    let rate = stage.learningRate(settings, epoch: state.epoch, step: state.step, stepsPerEpoch: batches.count)
    let batch = TrainingBatch(
      ids: batches[state.step], start: state.step * settings.batchSize, epoch: state.epoch + 1, mix: stage.mix(settings),
      objective: stage.objective(settings))
    tell(batch.mix == nil ? stage.phase : .attack, steps: batches.count, rate: rate)
    let begun = PhaseTimes.now()
    let result = try trainer.train(batch, with: optimizer, learningRate: rate) {
      if batch.mix != nil { tell(.combine, steps: batches.count, rate: rate) }
    }
    guard let result else {
      throw TrainingError.diverged(epoch: state.epoch + 1, step: state.step + 1, learningRate: rate)
    }
    let wall = PhaseTimes.now() - begun
    if stage.phase == .base { state.times.add(.base, wall) } else { state.times.add(wall: wall, by: result.times) }
    state.tally += result.tally
    state.step += 1
    state.updates += 1
    epochClock.examples += batch.ids.count
    tell(stage.phase, steps: batches.count, rate: rate)
  }

  private func endEpoch() throws {
    let metrics = try measuredEpoch()
    try keepingMeasurement { try keep(metrics) }
    state.epoch += 1
    state.step = 0
    state.tally = EpochTally()
    if state.epoch == settings.baseEpochs { optimizer.reset() }
    state.isFinished = state.epoch == settings.totalEpochs || state.stopReason != nil
    if state.isFinished {
      warnOfHistory()
      try saver.saveNow(state)
    } else {
      saver.saveIfDue(afterEpoch: true) { state }
    }
  }

  private func keep(_ metrics: TrainingMetrics) throws {
    let previous = state.history.last
    state.history.append(metrics)
    run.sink.metrics(metrics)
    if let collapse = Warning.catastrophicOverfitting(before: previous?.probeAccuracy, after: metrics.probeAccuracy) {
      // The checkpoints stay those of the epochs before: the weights of this one are what the warning is about.
      warn(collapse)
      state.stopReason = collapse.detail
    } else {
      try keepCheckpoints(metrics)
      if hasRunOutOfPatience {
        state.stopReason = "the \(figureName) accuracy on the validation part did not improve for \(state.staleEpochs) epochs"
      }
    }
    // Stopped within the base stage: what there is is the base model.
    if state.stopReason != nil && state.checkpoints[.base] == nil { try keep(.base, metrics) }
  }

  private func measuredEpoch() throws -> TrainingMetrics {
    let stage = Stage(settings, after: state.epoch)
    let steps = (training.count + settings.batchSize - 1) / settings.batchSize
    let rate = stage.learningRate(settings, epoch: state.epoch, step: steps - 1, stepsPerEpoch: steps)
    guard trainer.parameters.withValues({ $0.allSatisfy(\.isFinite) }) else {
      throw TrainingError.diverged(epoch: state.epoch + 1, step: steps, learningRate: rate)
    }
    var metrics = TrainingMetrics(epoch: state.epoch + 1, step: state.updates, phase: stage.phase)
    metrics.learningRate = rate
    metrics.loss = state.tally.meanLoss
    metrics.trainCleanAccuracy = state.tally.clean.accuracy
    metrics.trainAdversarialAccuracy = state.tally.adversarial.accuracy
    tell(.evaluate, steps: steps, rate: rate)
    try measure(into: &metrics, probing: stage.mix(settings) != nil)
    return metrics
  }

  private func measure(into metrics: inout TrainingMetrics, probing: Bool) throws {
    let begun = PhaseTimes.now()
    let journals = ValidationJournals(model: "\(state.fingerprint) after \(state.updates) updates", state.validation)
    let (saver, before) = (saver, state)
    @Sendable func present() -> ResumeState {
      var present = before
      present.validation = journals.snapshot
      present.times.add(.evaluate, PhaseTimes.now() - begun)
      return present
    }
    do {
      try examiner.measure(trainer.measuredNetwork, into: &metrics, probing: probing, journals) { saver.saveIfDue(present) }
    } catch {
      // As in `trainEpoch`.
      try? saver.saveNow(present())
      throw error
    }
    state = present()
  }

  /// Does what follows a measurement; where it fails, the run goes on from the measurement, which is not made again.
  private func keepingMeasurement(_ body: () throws -> Void) throws {
    let measured = state
    do {
      try body()
    } catch {
      // As in `trainEpoch`.
      try? saver.saveNow(measured)
      throw error
    }
    state.measuredShards += state.validation.finishedShards
    state.validation = ValidationJournals.Snapshot()
  }

  // MARK: Checkpoints

  /// Without a base stage the model that came in is the base model.
  private func keepUntrained() throws {
    var metrics = TrainingMetrics(epoch: 0, step: 0, phase: .base)
    try measure(into: &metrics, probing: false)
    try keepingMeasurement { try keep(.base, metrics) }
  }

  private func keepCheckpoints(_ metrics: TrainingMetrics) throws {
    try keep(.last, metrics)
    if metrics.epoch == settings.baseEpochs { try keep(.base, metrics) }
    guard isCandidate(metrics.epoch) else { return }
    let improves = CheckpointChoice.improves(metrics, on: state.checkpoints[patienceRole]?.metrics, for: patienceRole)
    state.staleEpochs = improves ? 0 : state.staleEpochs + 1
    for role in [CheckpointRole.bestRobust, .bestClean] {
      if CheckpointChoice.isBetter(metrics, than: state.checkpoints[role]?.metrics, for: role) { try keep(role, metrics) }
    }
  }

  private func keep(_ role: CheckpointRole, _ metrics: TrainingMetrics) throws {
    let checkpoint = try store.write(trainer.parameters, as: role, metrics)
    state.checkpoints[role] = checkpoint
    run.sink.checkpoint(checkpoint)
  }

  /// Only epochs of the retraining are candidates for the best, or those of the base stage when there is no other.
  private func isCandidate(_ epoch: Int) -> Bool { settings.epochs == 0 || epoch > settings.baseEpochs }

  /// The best figure that patience looks at.
  private var patienceRole: CheckpointRole { settings.select == .bestClean ? .bestClean : .bestRobust }
  private var figureName: String { patienceRole == .bestClean ? "clean" : "robust" }

  private var hasRunOutOfPatience: Bool {
    guard let patience = settings.earlyStopPatience, !examiner.validation.isEmpty else { return false }
    return state.staleEpochs >= patience
  }

  // MARK: Warnings

  private func warn(_ warning: Warning?) {
    guard let warning, !state.warnings.contains(warning) else { return }
    state.warnings.append(warning)
    run.sink.warning(warning)
  }

  private func warnOfSettings() {
    warn(.noValidation(validationCount: examiner.validation.count))
    guard settings.epochs > 0, settings.method.attack != nil else { return }
    warn(.tooFewAdversarialExamples(fraction: settings.adversarialFraction, attack: settings.attack, threat: run.threat))
  }

  private func warnOfHistory() {
    let robust = state.history.filter { isCandidate($0.epoch) }.compactMap(\.validationRobustAccuracy)
    warn(.robustOverfitting(history: robust))
    guard state.stopReason == nil, settings.method.attack != nil, settings.epochs > 0 else { return }
    warn(.stoppedWhileImproving(history: robust, validationCount: examiner.attacked.count))
  }

  // MARK: Progress

  private func tell(_ phase: TrainingPhase, steps: Int, rate: Double) {
    let epochs = Double(state.epoch) + Double(state.step) / Double(max(steps, 1))
    run.sink.progress(
      TrainingProgress(
        phase: phase, epoch: state.epoch + 1, epochs: settings.totalEpochs, step: state.step, steps: steps,
        fraction: settings.fraction(epochs: epochs), learningRate: rate, loss: state.tally.meanLoss,
        cleanAccuracy: state.tally.clean.accuracy, adversarialAccuracy: state.tally.adversarial.accuracy,
        examplesPerSecond: epochClock.examplesPerSecond))
  }

  // MARK: Resuming

  private func restore() throws {
    let found = try saver.restore(state.fingerprint)
    for (number, damaged) in found.damaged.enumerated() {
      let instead =
        found.state.map { "the run goes on from the state before it, after \($0.updates) updates" }
        ?? (number + 1 < found.damaged.count ? "so was the other state" : "there is no other state, and the run begins anew")
      resumeWarnings.append(.savedStateDamaged(damaged.name, damaged.reason, instead: instead))
    }
    if let saved = found.state {
      state = saved
      if let mix = Warning.mixedEngine(before: saved.engine, now: run.engineVersion) { resumeWarnings.append(mix) }
      state.engine = run.engineVersion
    } else {
      trainer.parameters.copy(from: run.initial)
      optimizer.reset()
      trainer.state.reset()
    }
    trainer.weightsChanged()
    restored = found.state?.saved
  }

  /// Tells what the saved state holds: the process may have died before all of it was noted.
  private func tellAgain() throws {
    guard let restored else { return }
    for metrics in state.history { run.sink.metrics(metrics) }
    for role in CheckpointRole.allCases {
      // One that a later epoch replaced before the process died comes with that epoch.
      if let checkpoint = state.checkpoints[role], try store.holds(checkpoint) { run.sink.checkpoint(checkpoint) }
    }
    for warning in state.warnings { run.sink.warning(warning) }
    run.sink.saved(restored)
  }
}

/// How fast the present epoch goes, in this attempt.
private struct EpochClock {
  private let begun = PhaseTimes.now()
  var examples = 0

  var examplesPerSecond: Double? {
    let seconds = PhaseTimes.now() - begun
    return examples > 0 && seconds > 0 ? Double(examples) / seconds : nil
  }
}
