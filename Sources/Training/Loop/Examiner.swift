import Attacks
import Datasets
import Robustness
import TensorEngine

/// Measures the model during training, on examples held out of the training set and on a few of those it learns from.
struct Examiner {
  /// The examples held out; none when the settings hold out none.
  let validation: [Int]
  /// Those of `validation` that are attacked: at most 1000.
  let attacked: [Int]
  /// Examples that are trained on, the same throughout.
  private let probed: [Int]
  /// What a constant answer reaches on `attacked`, on `probed`, on all that are held out, and on all that are trained on.
  let chance: (attacked: Double, probed: Double, validation: Double, trained: Double)
  private let dataset: Dataset
  private let threat: Threat
  private let seed: UInt64
  private let control: @Sendable () throws -> Void

  /// The most validation examples that are attacked after an epoch.
  static let attackedLimit = 1000
  /// Ten steps of a quarter of epsilon from a random start, whatever the training attacks with: models of all methods are chosen by the
  /// same measure.
  static let validationAttack = AttackSettings(.pgd, ["steps": 10])
  /// The probe for catastrophic overfitting (Wong et al. 2020, whose code runs PGD-5 on a training batch after each epoch).
  static let probeAttack = AttackSettings(.pgd, ["steps": 5])
  static let probedCount = 128

  init(_ run: TrainingRun, training: [Int], validation: [Int]) {
    let labels = run.dataset.train.labels
    self.validation = validation
    attacked = stratifiedSample(
      of: labels, among: validation, classes: run.dataset.classes, count: Self.attackedLimit, seed: run.seed)
    probed = stratifiedSample(of: labels, among: training, classes: run.dataset.classes, count: Self.probedCount, seed: run.seed)
    func share(_ ids: [Int]) -> Double { Self.largestShare(ids, labels) }
    chance = (share(attacked), share(probed), share(validation), share(training))
    dataset = run.dataset
    threat = run.threat
    seed = run.seed
    control = run.control
  }

  /// Fills in what is measured after an epoch.
  ///
  /// - Parameters:
  ///   - probing: whether to look for catastrophic overfitting too.
  ///   - journals: of this measurement; what is recorded there is not computed again.
  ///   - afterShard: called after each shard, on any thread.
  func measure(
    _ team: NetworkTeam, into metrics: inout TrainingMetrics, probing: Bool, _ journals: ValidationJournals,
    afterShard: @escaping @Sendable () -> Void
  ) throws {
    func look(_ ids: [Int], _ attacks: [AttackSettings], _ journal: EvaluationJournal) throws -> Evaluation {
      try evaluation(of: team, on: ids, under: attacks, journal, afterShard)
    }
    if !validation.isEmpty {
      metrics.validationCleanAccuracy = try look(validation, [], journals.clean).cleanAccuracy.value
      metrics.validationRobustAccuracy = try look(attacked, [Self.validationAttack], journals.attacked).worstCase.value
    }
    if probing { metrics.probeAccuracy = try look(probed, [Self.probeAttack], journals.probe).worstCase.value }
  }

  /// The same for the averaged weights, as far as they are measured.
  func measure(
    average team: NetworkTeam, into metrics: inout TrainingMetrics, _ journals: ValidationJournals,
    afterShard: @escaping @Sendable () -> Void
  ) throws {
    guard !validation.isEmpty else { return }
    metrics.averagedCleanAccuracy =
      try evaluation(of: team, on: validation, under: [], journals.averagedClean, afterShard).cleanAccuracy.value
    metrics.averagedRobustAccuracy =
      try evaluation(of: team, on: attacked, under: [Self.validationAttack], journals.averagedAttacked, afterShard).worstCase.value
  }

  /// The clean accuracy of a network on a few examples that it is trained on.
  func cleanAccuracyOfProbe(_ team: NetworkTeam) throws -> RobustMeasurement {
    let accuracy = try evaluation(of: team, on: probed, under: [], EvaluationJournal(model: "probe"), {}).cleanAccuracy.value
    return RobustMeasurement(accuracy: accuracy, count: probed.count, chance: chance.probed)
  }

  /// How checkpoints are compared.
  var choice: CheckpointChoice { CheckpointChoice(chance: chance.attacked, count: attacked.count) }

  /// The accuracy under PGD that shows a collapse: of the examples held out, or of the probe where none are.
  func robustness(_ metrics: TrainingMetrics) -> RobustMeasurement? {
    if let accuracy = metrics.validationRobustAccuracy {
      return RobustMeasurement(accuracy: accuracy, count: attacked.count, chance: chance.attacked)
    }
    return metrics.probeAccuracy.map { RobustMeasurement(accuracy: $0, count: probed.count, chance: chance.probed) }
  }

  /// The part of `ids` that has their most frequent label.
  private static func largestShare(_ ids: [Int], _ labels: [UInt16]) -> Double {
    Double(Dictionary(grouping: ids) { labels[$0] }.values.map(\.count).max() ?? 0) / Double(max(ids.count, 1))
  }

  /// The random starts are those of epoch 0, which no training uses, and the same every time: figures differ by the model alone.
  private func evaluation(
    of team: NetworkTeam, on ids: [Int], under attacks: [AttackSettings], _ journal: EvaluationJournal,
    _ afterShard: @escaping @Sendable () -> Void
  ) throws -> Evaluation {
    let split = dataset.train
    let set = EvaluationSet(ids: ids, labels: split.labels(at: ids), classNames: dataset.classNames) { positions in
      try split.images(at: positions.map { ids[$0] })
    }
    let settings = EvaluationSettings(attacks: attacks, samples: ids.count, curve: [], seed: seed, selfCheck: false)
    return try Evaluator(settings: settings, threat: threat).evaluate(
      team, on: set, journal: journal, control: control, progress: { if $0.endsTask { afterShard() } })
  }
}
