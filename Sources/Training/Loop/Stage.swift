/// One of the two stages of a run, and where an epoch stands in it.
struct Stage {
  let phase: TrainingPhase
  /// Epochs before the stage, and in it.
  let epochsBefore: Int
  let epochs: Int

  /// The stage of the epoch after `done` epochs.
  init(_ settings: TrainingSettings, after done: Int) {
    let isBase = done < settings.baseEpochs
    phase = isBase ? .base : .retrain
    epochsBefore = isBase ? 0 : settings.baseEpochs
    epochs = isBase ? settings.baseEpochs : settings.epochs
  }

  /// Which examples of a batch the stage attacks; nil: none.
  func mix(_ settings: TrainingSettings) -> AdversarialMix? {
    guard phase == .retrain, settings.method != .standard, settings.adversarialFraction > 0 else { return nil }
    return AdversarialMix(fraction: settings.adversarialFraction)
  }

  /// The learning rate of a batch.
  ///
  /// - Parameters:
  ///   - epoch: epochs of the run that are over.
  ///   - step: batches of this epoch that are over.
  func learningRate(_ settings: TrainingSettings, epoch: Int, step: Int, stepsPerEpoch: Int) -> Double {
    let done = (epoch - epochsBefore) * stepsPerEpoch + step
    return settings.optimizer.learningRate
      * settings.schedule.factor(step: done, of: epochs * stepsPerEpoch, stepsPerEpoch: stepsPerEpoch)
  }
}

extension TrainingSettings {
  /// The work that is done after so many epochs, as a part of all: an epoch counts by its passes through the network, forward and back.
  func fraction(epochs done: Double) -> Double {
    let training = 3.0
    let mix = Stage(self, after: baseEpochs).mix(self)?.fraction ?? 0
    let retraining = training + 2 * mix * Double(attack.cost.gradientEvaluations)
    func work(_ done: Double) -> Double { min(done, Double(baseEpochs)) * training + max(done - Double(baseEpochs), 0) * retraining }
    let all = work(Double(totalEpochs))
    return all > 0 ? work(done) / all : 1
  }
}
