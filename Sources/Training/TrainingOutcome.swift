import Robustness

/// What a run leaves.
package struct TrainingOutcome {
  /// The model before adversarial training.
  package let base: TrainedModel
  /// The model that `TrainingSettings.select` chose: the result.
  package let selected: TrainedModel
  /// Every checkpoint that was kept, at most one for each role.
  package let checkpoints: [Checkpoint]
  /// One entry for each epoch, in order.
  package let history: [TrainingMetrics]
  package let warnings: [Warning]
  /// Wall time by phase, over all attempts.
  package let seconds: [TrainingPhase: Double]
  /// What was saved last: from there the position of whatever follows rises.
  package let saved: SavedState
  /// Why training ended before its last epoch, in a sentence; nil when it did not.
  package let stopReason: String?
}

extension TrainingOutcome {
  /// What a run whose state is finished has left on disk.
  init(_ state: ResumeState, of run: TrainingRun) throws {
    let store = try CheckpointWriter(run)
    func model(_ role: CheckpointRole) throws -> TrainedModel {
      guard let checkpoint = state.checkpoints[role] else {
        throw TrainingError.cannotResume("the saved state has no checkpoint \(role.rawValue); start the run anew")
      }
      return TrainedModel(graph: run.graph, parameters: try store.read(checkpoint), checkpoint: checkpoint)
    }
    // Where nothing was held out to choose by, the averaged weights: they are what averaging was asked for.
    let chosen = [run.settings.select.role, .averaged].first { state.checkpoints[$0] != nil } ?? .last
    self.init(
      base: try model(.base), selected: try model(chosen), checkpoints: CheckpointRole.allCases.compactMap { state.checkpoints[$0] },
      history: state.history, warnings: state.warnings, seconds: state.times.seconds, saved: state.saved,
      stopReason: state.stopReason)
  }
}
