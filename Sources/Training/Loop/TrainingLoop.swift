import Attacks
import Datasets
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
  private let store: CheckpointStore
  private let file: ResumeFile
  private var optimizer: Optimizer
  private var state: ResumeState
  private var lastSaved = PhaseTimes.now()
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
    store = try CheckpointStore(run)
    file = ResumeFile(directory: run.directory)
    optimizer = Optimizer(run.settings.optimizer.updateRule, count: run.graph.layout.trainedCount)
    state = ResumeState(fingerprint: run.fingerprint())
    if run.resume {
      if file.exists { try restore() }
    } else {
      try file.remove()
    }
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
    if !state.isFinished {
      warnOfSettings()
      if state.epoch == 0 && state.step == 0 && settings.baseEpochs == 0 { try keepUntrained() }
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
        try? save()
        throw error
      }
      if PhaseTimes.now() - lastSaved >= run.saveInterval { try save() }
    }
  }

  private func trainBatch(_ batches: Batches) throws {
    let stage = Stage(settings, after: state.epoch)
    let rate = stage.learningRate(settings, epoch: state.epoch, step: state.step, stepsPerEpoch: batches.count)
    let batch = TrainingBatch(
      ids: batches[state.step], start: state.step * settings.batchSize, epoch: state.epoch + 1, mix: stage.mix(settings))
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
    state.epoch += 1
    state.step = 0
    state.tally = EpochTally()
    if state.epoch == settings.baseEpochs { optimizer = Optimizer(settings.optimizer.updateRule, count: run.graph.layout.trainedCount) }
    state.isFinished = state.epoch == settings.totalEpochs || state.stopReason != nil
    if state.isFinished { warnOfHistory() }
    try save()
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
    do {
      try examiner.measure(trainer.team, into: &metrics, probing: probing)
    } catch {
      // As in `trainEpoch`.
      try? save()
      throw error
    }
    state.times.add(.evaluate, PhaseTimes.now() - begun)
  }

  // MARK: Checkpoints

  /// Without a base stage the model that came in is the base model.
  private func keepUntrained() throws {
    var metrics = TrainingMetrics(epoch: 0, step: 0, phase: .base)
    try measure(into: &metrics, probing: false)
    try keep(.base, metrics)
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
    guard settings.epochs > 0, settings.method != .standard else { return }
    warn(.tooFewAdversarialExamples(fraction: settings.adversarialFraction, attack: settings.attack, threat: run.threat))
  }

  private func warnOfHistory() {
    let robust = state.history.filter { isCandidate($0.epoch) }.compactMap(\.validationRobustAccuracy)
    warn(.robustOverfitting(history: robust))
    guard state.stopReason == nil, settings.method != .standard, settings.epochs > 0 else { return }
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

  // MARK: State

  private func save() throws {
    state.optimizerStep = optimizer.step
    try trainer.parameters.withValues { weights in
      try file.save(state, arrays: [UnsafeBufferPointer(weights)] + optimizer.state)
    }
    lastSaved = PhaseTimes.now()
  }

  private func restore() throws {
    let saved = try file.load()
    guard saved.state.fingerprint == state.fingerprint else {
      throw TrainingError.cannotResume(
        "the saved state is that of a run with another dataset, network, threat, seed or settings; start the run anew")
    }
    guard let weights = saved.arrays.first, weights.count == run.graph.layout.count,
      optimizer.restore(Array(saved.arrays.dropFirst()), step: saved.state.optimizerStep)
    else { throw ResumeFile.damaged }
    trainer.parameters.withValues { _ = $0.update(fromContentsOf: weights) }
    trainer.refresh()
    state = saved.state
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
