import Attacks
import Datasets
import Files
import Foundation
import Robustness
import TensorEngine

/// One attempt of a run: takes the state from wherever it stands to the end.
final class TrainingLoop {
  let run: TrainingRun
  let settings: TrainingSettings
  let training: [Int]
  let examiner: Examiner
  let trainer: BatchTrainer
  let store: CheckpointWriter
  let optimizer: Optimizer
  let saver: StateSaver
  var state: ResumeState
  /// The state that the run goes on from, and what there is to say of it.
  var restored: SavedState?
  var resumeWarnings: [Warning] = []
  private var epochClock = EpochClock()

  init(_ run: TrainingRun) throws {
    try Self.check(run)
    self.run = run
    settings = run.settings
    let parts = run.dataset.trainingParts(fraction: run.settings.validationFraction, seed: run.seed)
    training = parts.train
    examiner = Examiner(run, training: parts.train, validation: parts.validation)
    trainer = try BatchTrainer(run)
    store = try CheckpointWriter(run)
    optimizer = Optimizer(run.settings.optimizer.updateRule, count: run.graph.layout.trainedCount)
    saver = StateSaver(run, trainer.parameters, optimizer, trainer.state, trainer.average)
    state = ResumeState(fingerprint: try run.fingerprint(), engine: run.engineVersion)
    try waitingOutShortage(run.waitForRoom) { try Folder.make(run.directory) }
    if run.resume { try restore() } else { saver.removeAll() }
  }

  private static func check(_ run: TrainingRun) throws {
    let (dataset, graph) = (run.dataset, run.graph)
    guard dataset.train.count > 0 else { throw TrainingError.unsuitable("the dataset \(dataset.name) has no images to train on") }
    guard run.settings.totalEpochs > 0 else { throw TrainingError.unsuitable("there is nothing to do in 0 base epochs and 0 epochs") }
    guard run.settings.method.takes(run.precision) else {
      throw TrainingError.unsuitable("the method \(run.settings.method.name) does not learn in \(run.precision.rawValue)")
    }
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
        do {
          if try trainEpoch() { try endEpoch() }
        } catch let error as TrainingError {
          // After an epoch that went well the rate is not all that is wrong.
          guard case .diverged(let epoch, let step, _) = error, state.epoch == 0,
            try beginAgain(because: "the loss at epoch \(epoch), step \(step) was not a finite number")
          else { throw error }
        }
      }
    }
    return state
  }

  // MARK: Epochs

  /// - Returns: whether the epoch is over; otherwise the run has begun again.
  private func trainEpoch() throws -> Bool {
    try prepareBaseImages()
    let settings = settings.part(after: state.epoch)
    let stage = Stage(settings, after: state.epoch)
    let order = stage.visit(settings, epoch: state.epoch, step: 0, stepsPerEpoch: 1).order
    let batches = Batches(shuffling: training, size: settings.batchSize, seed: run.seed, epoch: order)
    epochClock = EpochClock()
    while state.step < batches.count {
      do {
        try run.control()
        if try trainBatch(batches) { return false }
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
    return true
  }

  /// - Returns: whether the run has begun again behind it.
  private func trainBatch(_ batches: Batches) throws -> Bool {
    let settings = settings.part(after: state.epoch)
    let stage = Stage(settings, after: state.epoch)
    let rate = rate(stage, settings, step: state.step, of: batches.count)
    let visit = stage.visit(settings, epoch: state.epoch, step: state.step, stepsPerEpoch: batches.count)
    let bounds = stage.bounds(settings, run.threat.epsilon, epoch: state.epoch, step: state.step, stepsPerEpoch: batches.count)
    let batch = TrainingBatch(
      ids: batches[visit.batch], start: visit.batch * settings.batchSize, epoch: state.epoch + 1, mix: stage.mix(settings),
      objective: stage.objective(settings), order: visit.order,
      epsilonFactor: bounds?.rise ?? stage.epsilonFactor(settings, epoch: state.epoch, step: state.step, stepsPerEpoch: batches.count),
      replay: visit.replay, weightPerturbation: stage.weightPerturbation(settings, after: state.epoch), bounds: bounds)
    tell(batch.mix == nil ? stage.phase : .attack, steps: batches.count, rate: rate)
    let begun = PhaseTimes.now()
    let result = try trainer.train(batch, with: optimizer, learningRate: rate) {
      if batch.mix != nil { tell(.combine, steps: batches.count, rate: rate) }
    }
    guard let result else {
      throw TrainingError.diverged(epoch: state.epoch + 1, step: state.step + 1, learningRate: rate)
    }
    if settings.averages(in: stage.phase) { try trainer.updateAverage() }
    let wall = PhaseTimes.now() - begun
    if stage.phase == .base { state.times.add(.base, wall) } else { state.times.add(wall: wall, by: result.times) }
    state.tally += result.tally
    state.step += 1
    state.updates += 1
    epochClock.examples += batch.ids.count
    tell(stage.phase, steps: batches.count, rate: rate)
    return try beginAgainIfConstant(after: rate, stage, settings, result.tally, stepsPerEpoch: batches.count)
  }

  /// The learning rate of a batch of the present epoch.
  private func rate(_ stage: Stage, _ settings: TrainingSettings, step: Int, of steps: Int) -> Double {
    stage.learningRate(settings, epoch: state.epoch, step: step, stepsPerEpoch: steps) / state.rateDivisor
  }

  private func endEpoch() throws {
    let metrics = try measuredEpoch()
    let finding = try keepingMeasurement { try keep(metrics) }
    state.epoch += 1
    state.step = 0
    state.tally = EpochTally()
    if state.epoch == settings.baseEpochs {
      optimizer.reset()
      trainer.average?.begin(with: trainer.parameters)
    }
    state.isFinished = state.epoch == settings.totalEpochs || state.stopReason != nil
    if !state.isFinished, let further = settings.extensionBeginning(after: state.epoch) { try begin(further) }
    if state.isFinished {
      if try beginAgainIfResultIsConstant() { return }
      warnOfHistory()
      try saver.saveNow(state)
    } else if case .collapsed = finding {
      try goBack()
    } else {
      saver.saveIfDue(afterEpoch: true) { state }
    }
  }

  /// Takes an epoch into the history, and keeps the checkpoints that it leaves.
  private func keep(_ measured: TrainingMetrics) throws -> CollapseDetector.Finding {
    var metrics = measured
    let (finding, weights) = observe(metrics)
    if case .collapsed(let best) = finding {
      answer(collapseFrom: best, of: weights, in: metrics)
      metrics.isCollapse = true
    }
    state.history.append(metrics)
    run.sink.metrics(metrics)
    // The checkpoints stay those of the epochs before a fall, whether it turns out to be an accident or a collapse.
    if finding == .sound { try keepCheckpoints(metrics) } else { state.staleEpochs += 1 }
    if metrics.isCollapse != true, hasRunOutOfPatience {
      state.stopReason = "the \(figureName) accuracy on the validation part did not improve for \(state.staleEpochs) epochs"
    }
    // Stopped within the base stage: what there is is the base model.
    if state.stopReason != nil && state.checkpoints[.base] == nil { try keep(.base, metrics) }
    return finding
  }

  private func measuredEpoch() throws -> TrainingMetrics {
    let settings = settings.part(after: state.epoch)
    let stage = Stage(settings, after: state.epoch)
    let steps = (training.count + settings.batchSize - 1) / settings.batchSize
    let rate = rate(stage, settings, step: steps - 1, of: steps)
    guard trainer.parameters.withValues({ $0.allSatisfy(\.isFinite) }) else {
      throw TrainingError.diverged(epoch: state.epoch + 1, step: steps, learningRate: rate)
    }
    var metrics = TrainingMetrics(epoch: state.epoch + 1, step: state.updates, phase: stage.phase)
    metrics.learningRate = rate
    metrics.loss = state.tally.meanLoss
    metrics.trainCleanAccuracy = state.tally.clean.accuracy
    metrics.trainAdversarialAccuracy = state.tally.adversarial.accuracy
    tell(.evaluate, steps: steps, rate: rate)
    try measure(into: &metrics, probing: stage.mix(settings) != nil, averaging: settings.averages(in: stage.phase))
    return metrics
  }

  func measure(into metrics: inout TrainingMetrics, probing: Bool, averaging: Bool) throws {
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
      if averaging, let network = trainer.averagedNetwork {
        try examiner.measure(average: network, into: &metrics, journals) { saver.saveIfDue(present) }
      }
    } catch {
      // As in `trainEpoch`.
      try? saver.saveNow(present())
      throw error
    }
    state = present()
  }

  /// Does what follows a measurement; where it fails, the run goes on from the measurement, which is not made again.
  func keepingMeasurement<Result>(_ body: () throws -> Result) throws -> Result {
    let measured = state
    let result: Result
    do {
      result = try body()
    } catch {
      // As in `trainEpoch`.
      try? saver.saveNow(measured)
      throw error
    }
    state.measuredShards += state.validation.finishedShards
    state.validation = ValidationJournals.Snapshot()
    return result
  }

  // MARK: Progress

  func tell(_ phase: TrainingPhase, steps: Int, rate: Double) {
    let epochs = Double(state.epoch) + Double(state.step) / Double(max(steps, 1))
    run.sink.progress(
      TrainingProgress(
        phase: phase, epoch: state.epoch + 1, epochs: settings.totalEpochs, step: state.step, steps: steps,
        fraction: settings.fraction(epochs: epochs), learningRate: rate, loss: state.tally.meanLoss,
        cleanAccuracy: state.tally.clean.accuracy, adversarialAccuracy: state.tally.adversarial.accuracy,
        examplesPerSecond: epochClock.examplesPerSecond))
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
