import Robustness

/// Everything that a run needs to go on as if it had never stopped, at the border of two batches.
struct ResumeState: Sendable {
  /// Of the run's arguments: a state goes on with no other run's.
  var fingerprint: String
  /// What computed it, as `EngineVersion.description` has it.
  var engine: String
  /// Rises by one with each state that is written.
  var generation = 0
  /// Epochs that are over.
  var epoch = 0
  /// Batches of the present epoch that are done; `updates` counts over all epochs.
  var step = 0
  /// Weight updates since the start.
  var updates = 0
  /// Steps of the optimiser, which begins anew with each stage.
  var optimizerStep = 0
  /// Updates that the average of the weights holds; it begins anew with each stage too.
  var averagedUpdates = 0
  var tally = EpochTally()
  var history: [TrainingMetrics] = []
  /// The checkpoint of each role that has one.
  var checkpoints: [CheckpointRole: Checkpoint] = [:]
  /// Epochs since the selected figure last improved.
  var staleEpochs = 0
  /// What the readings of robust accuracy have shown so far.
  var detector = CollapseDetector()
  /// What the rates of the settings are divided by: 1, or more since the run has begun again.
  var rateDivisor = 1.0
  var learningWatch = LearningWatch()
  var warnings: [Warning] = []
  var times = PhaseTimes()
  /// How far the measurement after the present epoch has come.
  var validation = ValidationJournals.Snapshot()
  /// Finished shards of the measurements that are over.
  var measuredShards = 0
  var stopReason: String?
  var isFinished = false

  init(fingerprint: String, engine: String) {
    self.fingerprint = fingerprint
    self.engine = engine
  }

  var saved: SavedState { SavedState(step: updates, position: updates + measuredShards + validation.finishedShards) }
}

/// A field that an earlier version did not write has its first value, so that a new one orphans no saved run.
extension ResumeState: Codable {
  private enum CodingKeys: String, CodingKey {
    case fingerprint, engine, generation, epoch, step, updates, optimizerStep, averagedUpdates, tally, history, checkpoints, staleEpochs,
      detector, rateDivisor, learningWatch, warnings
    case times, validation, measuredShards, stopReason, isFinished
  }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func read<Value: Decodable>(_ key: CodingKeys, into value: inout Value) throws {
      value = try values.decodeIfPresent(Value.self, forKey: key) ?? value
    }
    self.init(
      fingerprint: try values.decode(String.self, forKey: .fingerprint), engine: try values.decode(String.self, forKey: .engine))
    try read(.generation, into: &generation)
    try read(.epoch, into: &epoch)
    try read(.step, into: &step)
    try read(.updates, into: &updates)
    try read(.optimizerStep, into: &optimizerStep)
    try read(.averagedUpdates, into: &averagedUpdates)
    try read(.tally, into: &tally)
    try read(.history, into: &history)
    try read(.checkpoints, into: &checkpoints)
    try read(.staleEpochs, into: &staleEpochs)
    try read(.detector, into: &detector)
    try read(.rateDivisor, into: &rateDivisor)
    try read(.learningWatch, into: &learningWatch)
    try read(.warnings, into: &warnings)
    try read(.times, into: &times)
    try read(.validation, into: &validation)
    try read(.measuredShards, into: &measuredShards)
    stopReason = try values.decodeIfPresent(String.self, forKey: .stopReason)
    try read(.isFinished, into: &isFinished)
  }
}
