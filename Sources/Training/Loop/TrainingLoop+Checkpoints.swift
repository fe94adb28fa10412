/// Which checkpoints an epoch leaves.
extension TrainingLoop {
  /// Without a base stage the model that came in is the base model.
  func keepUntrained() throws {
    var metrics = TrainingMetrics(epoch: 0, step: 0, phase: .base)
    try measure(into: &metrics, probing: false, averaging: false)
    try keepingMeasurement { try keep(.base, metrics) }
  }

  func keepCheckpoints(_ metrics: TrainingMetrics) throws {
    try keep(.last, metrics)
    if metrics.epoch == settings.baseEpochs { try keep(.base, metrics) }
    // The averaged weights come second, and so win where both are equal.
    var candidates = [metrics]
    if settings.averages(in: metrics.phase) {
      candidates.append(metrics.ofAveragedWeights)
      try keep(.averaged, metrics.ofAveragedWeights)
    }
    guard isCandidate(metrics.epoch) else { return }
    let best = state.checkpoints[patienceRole]?.metrics
    let improves = candidates.contains { examiner.choice.improves($0, on: best, for: patienceRole) }
    state.staleEpochs = improves ? 0 : state.staleEpochs + 1
    for role in [CheckpointRole.bestRobust, .bestClean] { try keepBest(of: candidates, as: role) }
  }

  private func keepBest(of candidates: [TrainingMetrics], as role: CheckpointRole) throws {
    var chosen: TrainingMetrics?
    for candidate in candidates
    where examiner.choice.isBetter(candidate, than: chosen ?? state.checkpoints[role]?.metrics, for: role) { chosen = candidate }
    if let chosen { try keep(role, chosen) }
  }

  /// Keeps the present weights: the averaged ones where the metrics are of these.
  func keep(_ role: CheckpointRole, _ metrics: TrainingMetrics) throws {
    let averaged = metrics.isAveraged == true ? trainer.average?.parameters : nil
    let checkpoint = try store.write(averaged ?? trainer.parameters, as: role, metrics)
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
