import Robustness

/// How far the measurement after an epoch has come: a journal for each of its evaluations.
struct ValidationJournals: Sendable {
  struct Snapshot: Hashable, Sendable, Codable {
    var clean: EvaluationJournal.Snapshot?
    var attacked: EvaluationJournal.Snapshot?
    var probe: EvaluationJournal.Snapshot?
    var averagedClean: EvaluationJournal.Snapshot?
    var averagedAttacked: EvaluationJournal.Snapshot?

    var finishedShards: Int {
      [clean, attacked, probe, averagedClean, averagedAttacked].compactMap(\.self).reduce(0) { $0 + $1.finishedShards }
    }
  }

  let clean: EvaluationJournal
  let attacked: EvaluationJournal
  let probe: EvaluationJournal
  let averagedClean: EvaluationJournal
  let averagedAttacked: EvaluationJournal

  /// - Parameters:
  ///   - model: what tells the present weights from all others.
  ///   - snapshot: of an earlier attempt.
  init(model: String, _ snapshot: Snapshot) {
    clean = EvaluationJournal(model: model, snapshot.clean)
    attacked = EvaluationJournal(model: model, snapshot.attacked)
    probe = EvaluationJournal(model: model, snapshot.probe)
    averagedClean = EvaluationJournal(model: model + ", averaged", snapshot.averagedClean)
    averagedAttacked = EvaluationJournal(model: model + ", averaged", snapshot.averagedAttacked)
  }

  var snapshot: Snapshot {
    Snapshot(
      clean: clean.snapshot, attacked: attacked.snapshot, probe: probe.snapshot, averagedClean: averagedClean.snapshot,
      averagedAttacked: averagedAttacked.snapshot)
  }
}
