/// Which checkpoints an epoch leaves.
extension TrainingLoop {
  /// Without a base stage the model that came in is the base model.
  func keepUntrained() throws {
    var metrics = TrainingMetrics(epoch: 0, step: 0, phase: .base)
    try measure(into: &metrics, probing: false)
    try keepingMeasurement { try keep(.base, metrics) }
  }

  func keepCheckpoints(_ metrics: TrainingMetrics) throws {
    try keep(.last, metrics)
    if metrics.epoch == settings.baseEpochs { try keep(.base, metrics) }
    guard isCandidate(metrics.epoch) else { return }
    let improves = examiner.choice.improves(metrics, on: state.checkpoints[patienceRole]?.metrics, for: patienceRole)
    state.staleEpochs = improves ? 0 : state.staleEpochs + 1
    for role in [CheckpointRole.bestRobust, .bestClean] {
      if examiner.choice.isBetter(metrics, than: state.checkpoints[role]?.metrics, for: role) { try keep(role, metrics) }
    }
  }

  func keep(_ role: CheckpointRole, _ metrics: TrainingMetrics) throws {
    let checkpoint = try store.write(trainer.parameters, as: role, metrics)
    state.checkpoints[role] = checkpoint
    run.sink.checkpoint(checkpoint)
  }

  /// Only epochs of the retraining are candidates for the best, those with the full box where a method learns from interval bounds; or those
  /// of the base stage when there is no other.
  func isCandidate(_ epoch: Int) -> Bool { settings.epochs == 0 || epoch > settings.baseEpochs + settings.risingEpochs }

  /// The best figure that patience looks at.
  private var patienceRole: CheckpointRole { settings.select == .bestClean ? .bestClean : .bestRobust }
  var figureName: String { patienceRole == .bestClean ? "clean" : "robust" }

  var hasRunOutOfPatience: Bool {
    guard let patience = settings.earlyStopPatience, !examiner.validation.isEmpty else { return false }
    return state.staleEpochs >= patience
  }
}
