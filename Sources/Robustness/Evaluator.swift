import Attacks
import Synchronization
import TensorEngine

/// The progress of an evaluation.
package struct EvaluationProgress: Hashable, Sendable {
  /// The current stage: `clean`, an attack's label, `curve 0.1` or `self-check`.
  package var stage: String
  /// The finished fraction of the work, 0 to 1. It assumes that no example is misclassified early.
  package var fraction: Double
}

/// Measures the accuracy of a model, clean and under attack.
///
/// An example that is misclassified clean counts as not robust, and is not attacked.
package struct Evaluator: Sendable {
  package var settings: EvaluationSettings
  package var threat: Threat

  package init(settings: EvaluationSettings, threat: Threat) {
    self.settings = settings
    self.threat = threat
  }

  /// - Parameters:
  ///   - journal: takes each finished shard. Shards of an earlier attempt at the same evaluation are not computed again. The result has
  ///     the same bits as without a break; only the seconds add up.
  ///   - control: called before each shard, each restart and each iteration of an attack, on any thread. An error that it throws ends the
  ///     evaluation and is rethrown.
  ///   - progress: called after each shard, on any thread.
  package func evaluate(
    _ team: any ClassifierTeam, on set: EvaluationSet, journal: EvaluationJournal = EvaluationJournal(model: ""),
    control: @escaping @Sendable () throws -> Void = {}, progress: @escaping @Sendable (EvaluationProgress) -> Void = { _ in }
  ) throws -> Evaluation {
    journal.begin(fingerprint: try EvaluationFingerprint(self, journal.model, set, shardSize: team.shardSize).digest())
    let epsilons = Array(Set(settings.curve)).sorted()
    let work = Work(
      team: team, set: set, seed: settings.seed, journal: journal, control: control, progress: progress,
      units: Int(Double(units(epsilons) * set.count) * (1 + settings.recheckShare)))
    let observed = try work.cleanOutcomes(repeated: settings.selfCheck ? CleanOutcomes.repeatedLimit : 0)
    let clean = observed.withstood
    var spent = AttackCost(forwardPasses: set.count + observed.repeated)

    let trials = try settings.attacks.enumerated().map { number, attack in
      try work.trial(of: attack, against: threat, clean: clean, stage: attack.label, key: "attack \(number)")
    }
    var points: [Evaluation.AtEpsilon] = []
    for epsilon in epsilons {
      points.append(try point(at: epsilon, trials: trials, clean: clean, work: work, spent: &spent))
    }
    let still =
      try settings.selfCheck
      ? work.trial(of: Self.idle, against: unmoved, clean: clean, stage: "self-check", key: "self-check") : nil
    for trial in trials + (still.map { [$0] } ?? []) { spent += trial.cost }

    let robust = trials.reduce(clean) { zip($0, $1.withstood).map { $0 && $1 } }
    let classes = perClass(set, clean: clean, robust: robust)
    var rechecks = Rechecks(settings, robust: robust, spent: spent)
    let again = try rechecks.run(threat, input: team.inputShape) { try work.trial(of: $0, on: $1) }
    spent += again.spent
    work.finish()
    let facts = EvaluationFacts(
      settings: settings, threat: threat, classes: classes, clean: observed, trials: trials, points: points, still: still,
      rechecks: again.results)
    var evaluation = Evaluation(
      threat: threat, cleanAccuracy: Proportion(clean), attacks: trials.map { attacked($0, set) }, worstCase: Proportion(robust),
      perClass: classes, worstClass: worst(of: classes), curveAttack: points.isEmpty ? nil : settings.strongest?.label, curve: points,
      gradientEvaluations: spent.gradientEvaluations, forwardPasses: spent.forwardPasses,
      seconds: journal.snapshot.stages.values.reduce(0) { $0 + $1.seconds },
      warnings: Diagnostic.warnings(facts))
    evaluation.outcomes = ExampleOutcomes(ids: set.ids, clean: clean, attacks: trials.map(\.withstood))
    return evaluation
  }

  // MARK: The curve

  private func point(
    at epsilon: Double, trials: [AttackTrial], clean: [Bool], work: Work, spent: inout AttackCost
  ) throws -> Evaluation.AtEpsilon {
    guard epsilon > 0, let strongest = settings.strongest else {
      return Evaluation.AtEpsilon(epsilon: epsilon, accuracy: Proportion(clean))
    }
    if epsilon == threat.epsilon, let trial = trials.first(where: { $0.settings == strongest }) {
      return Evaluation.AtEpsilon(epsilon: epsilon, accuracy: trial.accuracy)
    }
    // Every example that is correct clean is attacked at every epsilon, also if a smaller epsilon sufficed to fool the model. Otherwise
    // the curve could never rise, and a rise reveals an attack that fails.
    let trial = try work.trial(
      of: strongest.scaled(from: threat, to: epsilon), against: Threat(norm: threat.norm, epsilon: epsilon), clean: clean,
      stage: "curve \(epsilon)", key: "curve \(epsilon)")
    spent += trial.cost
    return Evaluation.AtEpsilon(epsilon: epsilon, accuracy: trial.accuracy)
  }

  // MARK: The self-check

  /// One step, which the projection at epsilon = 0 undoes.
  private static let idle = AttackSettings(.pgd, ["steps": 1, "step_size": 0.1, "random_start": false])
  private var unmoved: Threat { Threat(norm: threat.norm, epsilon: 0) }

  // MARK: Summing up

  private func attacked(_ trial: AttackTrial, _ set: EvaluationSet) -> Evaluation.Attacked {
    Evaluation.Attacked(
      settings: trial.settings, robustAccuracy: trial.accuracy,
      correctPerClass: counts(trial.withstood, set), gradientEvaluations: trial.cost.gradientEvaluations,
      forwardPasses: trial.cost.forwardPasses, seconds: trial.seconds, distances: trial.distanceSummary)
  }

  /// The number of true `outcomes` of each class.
  private func counts(_ outcomes: [Bool], _ set: EvaluationSet) -> [Int] {
    var counts = [Int](repeating: 0, count: set.classNames.count)
    for (label, outcome) in zip(set.labels, outcomes) where outcome { counts[label] += 1 }
    return counts
  }

  private func perClass(_ set: EvaluationSet, clean: [Bool], robust: [Bool]) -> [Evaluation.OfClass] {
    let totals = counts([Bool](repeating: true, count: set.count), set)
    let clean = counts(clean, set)
    let robust = counts(robust, set)
    return set.classNames.indices.map { label in
      Evaluation.OfClass(
        name: set.classNames[label], cleanAccuracy: Proportion(correct: clean[label], total: totals[label]),
        robustAccuracy: Proportion(correct: robust[label], total: totals[label]))
    }
  }

  private func worst(of classes: [Evaluation.OfClass]) -> Evaluation.OfClass? {
    classes.filter { $0.cleanAccuracy.total > 0 }
      .min { ($0.robustAccuracy.value, $0.cleanAccuracy.value) < ($1.robustAccuracy.value, $1.cleanAccuracy.value) }
  }

  /// The most passes over one example, without the rechecks.
  private func units(_ epsilons: [Double]) -> Int {
    let curve = epsilons.filter { $0 > 0 && $0 != threat.epsilon }.count * (settings.strongest.map(Work.units) ?? 0)
    return 1 + settings.attacks.map(Work.units).reduce(0, +) + curve + (settings.selfCheck ? Work.units(Self.idle) : 0)
  }
}

/// Runs the stages of one evaluation over its shards.
private struct Work {
  let team: any ClassifierTeam
  let set: EvaluationSet
  let journal: EvaluationJournal
  let control: @Sendable () throws -> Void
  let meter: ProgressMeter
  let seed: UInt64

  init(
    team: any ClassifierTeam, set: EvaluationSet, seed: UInt64, journal: EvaluationJournal, control: @escaping @Sendable () throws -> Void,
    progress: @escaping @Sendable (EvaluationProgress) -> Void, units: Int
  ) {
    self.team = team
    self.set = set
    self.seed = seed
    self.journal = journal
    self.control = control
    meter = ProgressMeter(total: units, report: progress)
  }

  /// A stage of the evaluation.
  private struct Stage {
    /// Its name in progress reports.
    let name: String
    /// Its name in the journal, unique within an evaluation.
    let key: String
    /// The most passes over one example.
    let units: Int
    /// The examples that the progress counts for it; `nil`: all.
    var examples: Int?
  }

  /// The most passes that an attack makes over one example. A gradient counts as two.
  static func units(_ attack: AttackSettings) -> Int {
    let cost = attack.cost
    return 2 * cost.gradientEvaluations + cost.forwardPasses + attack.runs
  }

  /// - Parameter repeated: so many of the examples, the first ones, are predicted twice.
  func cleanOutcomes(repeated: Int) throws -> CleanOutcomes {
    let set = set
    let shards = try overShards(of: Array(0..<set.count), Stage(name: "clean", key: "clean", units: 1)) { members, classifier in
      let left = members.first.map { max(repeated - $0, 0) } ?? 0
      return ShardRecord(try set.images(members), labels: members.map { set.labels[$0] }, of: classifier, repeated: left)
    }.records
    return CleanOutcomes(shards)
  }

  /// Runs an attack again on the examples chosen.
  func trial(of recheck: Recheck, on chosen: [Bool]) throws -> AttackTrial {
    let key = "check \(recheck.purpose.rawValue)"
    return try trial(
      of: recheck.attack, against: recheck.threat, clean: chosen, stage: key, key: key, seed: recheck.seed,
      examples: chosen.count { $0 })
  }

  func finish() { meter.finish() }

  /// Runs one attack on every example that is correct clean.
  ///
  /// - Parameters:
  ///   - seed: of the attack; by default the evaluation's.
  ///   - examples: that the progress counts; by default all.
  func trial(
    of attack: AttackSettings, against threat: Threat, clean: [Bool], stage: String, key: String, seed: UInt64? = nil,
    examples: Int? = nil
  ) throws -> AttackTrial {
    let adversary = attack.adversary(for: threat, keep: .firstMisclassified)
    let (set, seed, control) = (set, seed ?? self.seed, control)
    let standing = clean.indices.filter { clean[$0] }
    let work = Stage(name: stage, key: key, units: Self.units(attack), examples: examples)
    let result = try overShards(of: standing, work) { members, classifier in
      let examples = Examples(
        images: try set.images(members), labels: members.map { set.labels[$0] }, ids: members.map { set.ids[$0] }, seed: seed)
      return ShardRecord(try adversary.run(examples, of: classifier, control: control))
    }
    var trial = AttackTrial(settings: attack, threat: threat, withstood: [Bool](repeating: false, count: set.count))
    for (shard, record) in result.records.enumerated() { trial.add(record, at: members(of: shard, in: standing)) }
    trial.seconds = result.seconds
    return trial
  }

  private func members(of shard: Int, in positions: [Int]) -> [Int] {
    let size = max(team.shardSize, 1)
    return Array(positions[shard * size..<min((shard + 1) * size, positions.count)])
  }

  /// Runs `body` on each shard of `positions` that the journal lacks. Returns the records of all shards in order, and the seconds of the
  /// stage over all attempts.
  private func overShards(
    of positions: [Int], _ stage: Stage, _ body: @Sendable ([Int], any Classifier) throws -> ShardRecord
  ) throws -> (records: [ShardRecord], seconds: Double) {
    let size = max(team.shardSize, 1)
    let shards = (0..<(positions.count + size - 1) / size).map { members(of: $0, in: positions) }
    let recorded = journal.begin(stage: stage.key)
    let missing = shards.indices.filter { recorded[$0]?.withstood.count != shards[$0].count }
    // Examples that are not attacked count as done, and so do those of an earlier attempt.
    let left = missing.reduce(0) { $0 + shards[$1].count }
    meter.advance(by: ((stage.examples ?? set.count) - left) * stage.units, stage: stage.name)
    let (control, meter, journal) = (control, meter, journal)
    try team.forEachShard(missing.count) { task, classifier in
      try control()
      let shard = missing[task]
      journal.record(shard, try body(shards[shard], classifier), of: stage.key)
      meter.advance(by: shards[shard].count * stage.units, stage: stage.name)
    }
    let finished = journal.end(stage: stage.key)
    return (shards.indices.compactMap { finished.shards[$0] }, finished.seconds)
  }
}

/// Adds up the work of several threads and reports the progress.
private final class ProgressMeter: Sendable {
  private let done = Mutex(0)
  private let total: Int
  private let report: @Sendable (EvaluationProgress) -> Void

  init(total: Int, report: @escaping @Sendable (EvaluationProgress) -> Void) {
    self.total = max(total, 1)
    self.report = report
  }

  func advance(by units: Int, stage: String) {
    guard units > 0 else { return }
    let now = done.withLock { done in
      done += units
      return done
    }
    report(EvaluationProgress(stage: stage, fraction: min(1, Double(now) / Double(total))))
  }

  /// What was planned and not needed counts as done.
  func finish() { advance(by: max(0, total - done.withLock { $0 }), stage: "checks") }
}
