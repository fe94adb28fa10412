import Robustness

/// Everything that a run needs to go on as if it had never stopped, at the border of two batches.
struct ResumeState: Codable {
  /// Of the run's arguments: a state goes on with no other run's.
  var fingerprint: String
  /// Epochs that are over.
  var epoch = 0
  /// Batches of the present epoch that are done.
  var step = 0
  /// Weight updates since the start.
  var updates = 0
  /// Steps of the optimiser, which begins anew with each stage.
  var optimizerStep = 0
  var tally = EpochTally()
  var history: [TrainingMetrics] = []
  /// The checkpoint of each role that has one.
  var checkpoints: [CheckpointRole: Checkpoint] = [:]
  /// Epochs since the selected figure last improved.
  var staleEpochs = 0
  var warnings: [Warning] = []
  var times = PhaseTimes()
  var stopReason: String?
  var isFinished = false

  init(fingerprint: String) { self.fingerprint = fingerprint }
}
