import Foundation
import Robustness

/// What a run does whose network does not learn: it begins again, once, at a lower rate.
extension TrainingLoop {
  /// What the rates of the settings are divided by the second time.
  private static let secondDivisor = 10.0

  /// Looks at the network where nothing was learnt for long, and begins the run again where it is a constant.
  ///
  /// - Parameters:
  ///   - rate: of the update that is over, and `tally` what went through it.
  ///   - stage: of `settings`, with so many updates in an epoch.
  /// - Returns: whether the run has begun again.
  func beginAgainIfConstant(
    after rate: Double, _ stage: Stage, _ settings: TrainingSettings, _ tally: EpochTally, stepsPerEpoch: Int
  ) throws -> Bool {
    // The second time it may take as long as it likes: only the end shows whether it has learnt.
    guard state.rateDivisor == 1 else { return false }
    // In a warm-up and at the end of a schedule little is learnt.
    guard rate >= settings.optimizer.learningRate / 2 else { return false }
    state.learningWatch.observe(tally, chance: examiner.chance.trained)
    guard state.learningWatch.isSuspicious(ofStageWith: stage.epochs * stepsPerEpoch) else { return false }
    let updates = state.learningWatch.updatesAtChance
    state.learningWatch = LearningWatch()
    let reading = try examiner.cleanAccuracyOfProbe(trainer.measuredNetwork)
    guard reading.isAtChance else { return false }
    return try beginAgain(because: "\(updates) updates running taught the network nothing: \(Self.answers(reading))")
  }

  /// The same at the end of a run whose result is a constant, where the watch did not come to that.
  func beginAgainIfResultIsConstant() throws -> Bool {
    guard state.stopReason == nil, state.updates >= LearningWatch.fewestUpdates, let result = wayBack,
      let accuracy = result.metrics.validationCleanAccuracy
    else { return false }
    let reading = RobustMeasurement(accuracy: accuracy, count: examiner.validation.count, chance: examiner.chance.validation)
    guard reading.isAtChance else { return false }
    return try beginAgain(because: "training has taught the network nothing: \(Self.answers(reading))")
  }

  private static func answers(_ reading: RobustMeasurement) -> String {
    String(
      format: "it names %.1f %% of %d images rightly, and always to name one class gives %.1f %%", 100 * reading.accuracy, reading.count,
      100 * reading.chance)
  }

  /// Begins again from the first weights, where the run has not done so before.
  ///
  /// - Parameter reason: a clause.
  /// - Returns: whether it has begun again.
  func beginAgain(because reason: String) throws -> Bool {
    // What a run is extended from has learnt.
    guard settings.extensions.isEmpty else { return false }
    let rate = settings.optimizer.learningRate
    guard state.rateDivisor == 1 else {
      warn(.cannotLearn(reason, rate: rate / state.rateDivisor))
      return false
    }
    let spent = state
    state = ResumeState(fingerprint: spent.fingerprint, engine: spent.engine)
    state.generation = spent.generation
    (state.times, state.warnings) = (spent.times, spent.warnings)
    // The position of what is saved rises from one state to the next.
    state.measuredShards = spent.saved.position
    state.rateDivisor = Self.secondDivisor
    takeInitialWeights()
    trainer.baseImages = nil
    run.sink.beganAgain()
    warn(.begunAgain(reason, rate: rate, lower: rate / state.rateDivisor))
    if settings.baseEpochs == 0 { try keepUntrained() }
    // Into both files: a run that goes on from a state of before would have its metrics told twice.
    for _ in 1...2 { try saver.saveNow(state) }
    return true
  }

  func takeInitialWeights() {
    trainer.parameters.copy(from: run.initial)
    optimizer.reset()
    trainer.state.reset()
    trainer.average?.begin(with: run.initial)
    trainer.weightsChanged()
  }
}

extension Warning {
  /// Training has begun again at a lower rate.
  static func begunAgain(_ reason: String, rate: Double, lower: Double) -> Warning {
    Warning(
      code: "begun_again",
      detail: """
        At an optimizer.learning_rate of \(rate), \(reason). Training has begun again from its first weights, this once, at a tenth of that, \
        \(lower); the history holds the epochs since then. Where it learns now, ask for the lower rate.
        """)
  }

  /// It did not help.
  static func cannotLearn(_ reason: String, rate: Double) -> Warning {
    Warning(
      code: "cannot_learn",
      detail: """
        Training had begun again at an optimizer.learning_rate of \(rate), and once more \(reason). Look whether the labels belong to the \
        images, give epsilon a warm-up or make it smaller, or choose another network.
        """)
  }
}
