import Files
import Robustness

/// How a run goes on with a finished one, and how its extensions begin.
extension TrainingLoop {
  /// Takes the state of the finished run that this one extends, where there is one.
  ///
  /// - Returns: whether there is.
  /// - Throws: `TrainingError.cannotResume` when it is damaged or does not fit.
  func beginExtending() throws -> Bool {
    let file = ExtensionFile.file(in: run.directory)
    do {
      guard let found = try saver.restoreExtended(file) else { return false }
      try begin(with: found.state, hasArrays: found.hasArrays)
    } catch let damage as ResumeFile.Damage {
      try run.setAside(file.url, damage.reason)
      throw TrainingError.cannotResume("the state of the job that is to be extended \(damage.reason); extend that job again")
    }
    // From here on it goes on from states of its own.
    try saver.saveNow(state)
    ExtensionFile.remove(in: run.directory)
    return true
  }

  private func begin(with end: ResumeState, hasArrays: Bool) throws {
    guard let further = settings.extensionBeginning(after: end.epoch) else {
      throw TrainingError.cannotResume("the job that is to be extended ended after \(end.epoch) epochs, where no extension begins")
    }
    let fingerprint = state.fingerprint
    state = end
    state.fingerprint = fingerprint
    state.engine = run.engineVersion
    state.isFinished = false
    state.stopReason = nil
    // The seconds that the finished one took are its own, and what it said of its end holds no longer.
    state.times = PhaseTimes()
    state.warnings.removeAll { Self.codesOfEnds.contains($0.code) }
    if let mix = Warning.mixedEngine(before: end.engine, now: run.engineVersion) { resumeWarnings.append(mix) }
    if !hasArrays {
      try goOn(from: state.checkpoints[.last])
      for metrics in state.history { _ = observe(metrics) }
      resumeWarnings.append(.optimizerBeginsAnew)
    }
    try begin(further)
    trainer.weightsChanged()
  }

  /// Warnings that a run gives at its end, of all its epochs.
  private static let codesOfEnds: Set<String> = ["selected_at_chance", "robust_overfitting", "stopped_while_improving"]

  /// Begins the stage of an extension, where the stage before it has ended.
  func begin(_ further: TrainingExtension) throws {
    state.staleEpochs = 0
    // The last epoch has left no checkpoint when its robust accuracy had fallen.
    if state.checkpoints[.last]?.epoch != state.epoch {
      try goOn(from: state.history.last?.isCollapse == true ? wayBack : state.checkpoints[.last])
    } else if further.resetsOptimizer {
      optimizer.reset()
      trainer.state.reset()
    }
  }

  private func goOn(from checkpoint: Checkpoint?) throws {
    guard let checkpoint else { throw TrainingError.cannotResume("the job that is to be extended has no checkpoint last") }
    trainer.parameters.copy(from: try store.read(checkpoint))
    optimizer.reset()
    trainer.state.reset()
    trainer.weightsChanged()
  }
}

extension Warning {
  /// An extended run goes on from weights alone.
  static let optimizerBeginsAnew = Warning(
    code: "optimizer_begins_anew",
    detail: """
      The state that the job ended with which this one extends is no longer there: training goes on from its last checkpoint, with an \
      optimiser that begins anew. The weights, batch norm's statistics among them, are the same.
      """)
}
