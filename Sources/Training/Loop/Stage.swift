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
    epochs = isBase ? settings.baseEpochs : settings.retrainingEpochs
  }

  /// Which examples of a batch the stage attacks; nil: none.
  func mix(_ settings: TrainingSettings) -> AdversarialMix? {
    phase == .retrain && settings.attacks ? AdversarialMix(fraction: settings.adversarialFraction) : nil
  }

  /// What the stage learns.
  func objective(_ settings: TrainingSettings) -> any Objective {
    phase == .retrain ? settings.objective : TrainingSettings.baseObjective
  }

  /// How a batch is learnt from by interval bounds; nil: it is not.
  ///
  /// - Parameters: as those of `learningRate`.
  func bounds(_ settings: TrainingSettings, _ threat: Double, epoch: Int, step: Int, stepsPerEpoch: Int) -> BoundsTraining.Step? {
    guard phase == .retrain else { return nil }
    return settings.bounds?.step(after: (epoch - epochsBefore) * stepsPerEpoch + step, of: epochs * stepsPerEpoch, threat: threat)
  }

  /// Which batch an update learns from.
  struct Visit {
    /// The epoch that shuffled the order which the batch belongs to, counted from 1.
    let order: Int
    /// The position of the batch in that order.
    let batch: Int
    /// How many updates have learnt from this visit to the batch already.
    let replay: Int
  }

  /// - Parameters:
  ///   - epoch: epochs of the run that are over.
  ///   - step: updates of this epoch that are over.
  func visit(_ settings: TrainingSettings, epoch: Int, step: Int, stepsPerEpoch: Int) -> Visit {
    let replays = objective(settings).replays
    // An order lasts for as many epochs as there are replays.
    let epochsOfOrder = (epoch - epochsBefore) % replays
    let done = epochsOfOrder * stepsPerEpoch + step
    return Visit(order: epoch - epochsOfOrder + 1, batch: done / replays, replay: done % replays)
  }

  /// The relative size of the perturbation of the weights in an epoch, after so many epochs of the run.
  func weightPerturbation(_ settings: TrainingSettings, after epoch: Int) -> Double {
    objective(settings).weightPerturbation(after: epoch - epochsBefore, of: epochs)
  }

  /// The learning rate of a batch.
  ///
  /// - Parameters:
  ///   - epoch: epochs of the run that are over.
  ///   - step: batches of this epoch that are over.
  func learningRate(_ settings: TrainingSettings, epoch: Int, step: Int, stepsPerEpoch: Int) -> Double {
    let done = (epoch - epochsBefore) * stepsPerEpoch + step
    return settings.optimizer.learningRate
      * settings.schedule.factor(
        step: done, of: epochs * stepsPerEpoch, stepsPerEpoch: stepsPerEpoch, warmup: settings.learningRateWarmup)
  }

  /// The part of the threat's epsilon within which a batch is attacked.
  func epsilonFactor(_ settings: TrainingSettings, epoch: Int, step: Int, stepsPerEpoch: Int) -> Double {
    guard phase == .retrain else { return 1 }
    let done = (epoch - epochsBefore) * stepsPerEpoch + step + 1
    let rising = settings.epsilonWarmup * Double(epochs * stepsPerEpoch)
    return Double(done) < rising ? Double(done) / rising : 1
  }
}

extension TrainingSettings {
  /// The work that is done after so many epochs, as a part of all: an epoch counts by its passes through the network, forward and back.
  func fraction(epochs done: Double) -> Double {
    let (base, main) = (baseCost.passes, cost.passes)
    func work(_ done: Double) -> Double { min(done, Double(baseEpochs)) * base + max(done - Double(baseEpochs), 0) * main }
    let all = work(Double(totalEpochs))
    return all > 0 ? work(done) / all : 1
  }
}
