import Attacks
import TensorEngine

/// Runs the stages of one evaluation over its shards.
struct EvaluationWork {
  let team: any ClassifierTeam
  let set: EvaluationSet
  var seed: UInt64
  let journal: EvaluationJournal
  let control: @Sendable () throws -> Void
  let meter: EvaluationMeter
  /// Takes the misclassified images that the attacks find; `nil` when nobody wants them.
  var images: AdversarialImages?

  /// What a stage is called.
  struct Title {
    /// In progress reports.
    var name: String
    /// In the journal, unique within an evaluation.
    var key: String
    /// The examples that the progress counts for it; `nil`: all.
    var examples: Int?
    /// Of an attack whose misclassified images are kept.
    var finder: AdversarialImages.Finder?

    /// Of a part of a sequence.
    func part(_ number: Int, _ attack: AttackSettings) -> Title {
      Title(
        name: "\(name): \(attack.label)", key: "\(key) part \(number)", examples: examples,
        finder: finder.map { AdversarialImages.Finder(attack: $0.attack, part: number) })
    }
  }

  /// The most passes that an attack makes over one example. A gradient counts as two.
  static func units(_ attack: AttackSettings, in norm: Norm) -> Int {
    if let parts = attack.parts(in: norm) { return parts.reduce(0) { $0 + units($1, in: norm) } }
    return attack.cost(in: norm).passes + attack.runs
  }

  /// What the network answers to the clean images, and what finding out took.
  ///
  /// - Parameter repeated: so many of the examples, the first ones, are predicted twice.
  func cleanOutcomes(repeated: Int) throws -> (outcomes: CleanOutcomes, cost: AttackCost) {
    let (set, seed) = (set, seed)
    let title = Title(name: "clean", key: "clean")
    let shards = try overShards(of: Array(0..<set.count), title, units: 1) { members, classifier in
      let left = members.first.map { max(repeated - $0, 0) } ?? 0
      let examples = Examples(
        images: try set.images(members), labels: members.map { set.labels[$0] }, ids: members.map { set.ids[$0] }, seed: seed)
      return ShardRecord(examples, of: classifier, repeated: left)
    }.records
    let outcomes = CleanOutcomes(shards)
    let draws = team.isRandomised ? RandomDraw.answerCount : 1
    return (outcomes, AttackCost(forwardPasses: draws * (set.count + outcomes.repeated)))
  }

  /// Runs one attack on every example that `standing` says is still correct. The parts of a sequence run one after the other over the whole
  /// set, each on what is then still correct, so that every part has full shards.
  func trial(of attack: AttackSettings, against threat: Threat, standing: [Bool], _ title: Title) throws -> AttackTrial {
    guard let parts = attack.parts(in: threat.norm) else { return try single(attack, against: threat, standing: standing, title) }
    var trials: [AttackTrial] = []
    for (number, part) in parts.enumerated() {
      let left = trials.last?.withstood ?? standing
      trials.append(try trial(of: part, against: threat, standing: left, title.part(number, part)))
    }
    return AttackTrial(settings: attack, threat: threat, standing: standing, parts: trials)
  }

  /// Runs an attack again on the examples chosen.
  func trial(of recheck: Recheck, on chosen: [Bool]) throws -> AttackTrial {
    let name = "check \(recheck.purpose.rawValue)"
    var work = self
    work.seed = recheck.seed
    return try work.trial(
      of: recheck.attack, against: recheck.threat, standing: chosen, Title(name: name, key: name, examples: chosen.count { $0 }))
  }

  private func single(_ attack: AttackSettings, against threat: Threat, standing: [Bool], _ title: Title) throws -> AttackTrial {
    let adversary = attack.adversary(for: threat, keep: .firstMisclassified)
    let (set, seed, control) = (set, seed, control)
    let images = title.finder == nil ? nil : images
    let positions = standing.indices.filter { standing[$0] }
    let result = try overShards(of: positions, title, units: Self.units(attack, in: threat.norm)) { members, classifier in
      let examples = Examples(
        images: try set.images(members), labels: members.map { set.labels[$0] }, ids: members.map { set.ids[$0] }, seed: seed)
      let result = try adversary.run(examples, of: classifier, control: control)
      var record = ShardRecord(result)
      record.images = try images?.keep(result, at: members)
      return record
    }
    var trial = AttackTrial(settings: attack, threat: threat, withstood: [Bool](repeating: false, count: set.count))
    for (shard, record) in result.records.enumerated() {
      trial.add(record, at: members(of: shard, in: positions))
      if let finder = title.finder { images?.claim(record, at: members(of: shard, in: positions), by: finder) }
    }
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
    of positions: [Int], _ title: Title, units: Int, _ body: @Sendable ([Int], any Classifier) throws -> ShardRecord
  ) throws -> (records: [ShardRecord], seconds: Double) {
    let size = max(team.shardSize, 1)
    let shards = (0..<(positions.count + size - 1) / size).map { members(of: $0, in: positions) }
    let recorded = journal.begin(stage: title.key)
    let images = title.finder == nil ? nil : images
    let missing = try shards.indices.filter { shard in
      guard let record = recorded[shard], record.withstood.count == shards[shard].count else { return true }
      return try images?.holds(record, at: shards[shard]) == false
    }
    // Examples that are not attacked count as done, and so do those of an earlier attempt.
    let left = missing.reduce(0) { $0 + shards[$1].count }
    meter.advance(by: ((title.examples ?? set.count) - left) * units, stage: title.name)
    let (control, meter, journal) = (control, meter, journal)
    try team.forEachShard(missing.count) { task, classifier in
      try control()
      let shard = missing[task]
      journal.record(shard, try body(shards[shard], classifier), of: title.key)
      meter.advance(by: shards[shard].count * units, stage: title.name)
    }
    let finished = journal.end(stage: title.key)
    return (shards.indices.compactMap { finished.shards[$0] }, finished.seconds)
  }
}
