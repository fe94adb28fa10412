import Robustness

/// What a run makes of a collapse of its robust accuracy.
extension TrainingLoop {
  /// What an epoch's robust accuracy shows beside those before it. Without adversarial training it may fall as it likes.
  func observe(_ metrics: TrainingMetrics) -> CollapseDetector.Finding {
    guard settings.attacks, metrics.phase == .retrain, let reading = examiner.robustness(metrics) else { return .sound }
    return state.detector.observe(reading)
  }

  /// Says what was found after an epoch that is not yet in the history, and ends the run where the settings want that.
  func answer(collapseFrom best: RobustMeasurement, in metrics: TrainingMetrics) {
    guard let latest = examiner.robustness(metrics) else { return }
    let done = answer(after: metrics.epoch)
    let isRepeated = state.history.contains { $0.isCollapse == true }
    let warning = Warning.catastrophicOverfitting(
      Collapse(
        epoch: metrics.epoch, best: best, latest: latest, isHeldOut: metrics.validationRobustAccuracy != nil, answer: done),
      attack: settings.attack, of: settings.methodAttack)
    warn(isRepeated ? .catastrophicOverfittingAgain(attack: settings.attack, of: settings.methodAttack) : warning)
    if done == .stopped { state.stopReason = warning.detail }
  }

  private func answer(after epoch: Int) -> Collapse.Answer {
    guard settings.onCollapse == .goOn else { return .stopped }
    guard epoch < settings.totalEpochs, let best = wayBack else { return .ended }
    return .wentBack(to: best.epoch)
  }

  /// Goes on from the best weights, with an optimiser and a method that remember nothing of the way down.
  func goBack() throws {
    guard let best = wayBack else { return }
    trainer.parameters.copy(from: try store.read(best))
    optimizer.reset()
    trainer.state.reset()
    trainer.weightsChanged()
    // Into both files: a later epoch may replace the best weights, and then no state from before this point could go back to them.
    for _ in 1...2 { try saver.saveNow(state) }
  }

  /// Without a validation part no epoch is known to be the best; the last is the one before the fall, since an epoch that has fallen
  /// leaves no checkpoint.
  var wayBack: Checkpoint? { state.checkpoints[.bestRobust] ?? state.checkpoints[.last] }
}
