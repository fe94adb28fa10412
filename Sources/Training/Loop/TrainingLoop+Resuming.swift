import Robustness

/// How a run goes on from what an earlier attempt saved.
extension TrainingLoop {
  func restore() throws {
    let found = try saver.restore(state.fingerprint)
    for (number, damaged) in found.damaged.enumerated() {
      let instead =
        found.state.map { "the run goes on from the state before it, after \($0.updates) updates" }
        ?? (number + 1 < found.damaged.count ? "so was the other state" : "there is no other state, and the run begins anew")
      resumeWarnings.append(.savedStateDamaged(damaged.name, damaged.reason, instead: instead))
    }
    if let saved = found.state {
      state = saved
      if let mix = Warning.mixedEngine(before: saved.engine, now: run.engineVersion) { resumeWarnings.append(mix) }
      state.engine = run.engineVersion
    } else if found.damaged.isEmpty, try beginExtending() {
      restored = state.saved
      return
    } else {
      takeInitialWeights()
    }
    trainer.weightsChanged()
    restored = found.state?.saved
  }

  /// Tells what the saved state holds: the process may have died before all of it was noted.
  func tellAgain() throws {
    guard let restored else { return }
    for metrics in state.history { run.sink.metrics(metrics) }
    for role in CheckpointRole.allCases {
      // One that a later epoch replaced before the process died comes with that epoch.
      if let checkpoint = state.checkpoints[role], try store.holds(checkpoint) { run.sink.checkpoint(checkpoint) }
    }
    for warning in state.warnings { run.sink.warning(warning) }
    run.sink.saved(restored)
  }
}
