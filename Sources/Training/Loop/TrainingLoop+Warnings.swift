import Robustness

/// What a run has to say of its settings and its history.
extension TrainingLoop {
  func warn(_ warning: Warning?) {
    guard let warning, !state.warnings.contains(warning) else { return }
    state.warnings.append(warning)
    run.sink.warning(warning)
  }

  func warnOfSettings() {
    let found = settings.warnings(
      threat: run.threat, trained: training.count, validation: examiner.validation.count, classes: run.dataset.classes)
    for warning in found { warn(warning) }
  }

  func warnOfHistory() {
    warnOfSelection()
    guard settings.attacks else { return }
    let robust = state.history.filter { isCandidate($0.epoch) }.compactMap(\.bestRobustAccuracy)
    let count = examiner.attacked.count
    if !state.history.contains(where: { $0.isCollapse == true }) { warnOfFooledAttack() }
    // A collapse in the last epoch has been told already.
    if state.history.last?.isCollapse != true { warn(.robustOverfitting(history: robust, count: count, select: settings.select)) }
    if state.stopReason == nil { warn(.stoppedWhileImproving(history: robust, validationCount: count)) }
  }

  private func warnOfFooledAttack() {
    let readings = state.history.filter { $0.phase == .retrain }.compactMap { metrics in
      metrics.trainAdversarialAccuracy.flatMap { training in examiner.robustness(metrics).map { (training, $0) } }
    }
    warn(
      .catastrophicOverfitting(
        training: readings.map(\.0), robust: readings.map(\.1), attack: settings.attack, of: settings.methodAttack))
  }

  private func warnOfSelection() {
    guard settings.select == .bestRobust, let chosen = state.checkpoints[.bestRobust], let reading = examiner.robustness(chosen.metrics)
    else { return }
    warn(.selectedAtChance(reading, isAttacked: settings.attacks))
  }
}
