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
    /// Of an attack whose misclassified images are kept.
    var finder: AdversarialImages.Finder?

    /// Of a part of a sequence.
    func part(_ number: Int, _ attack: AttackSettings) -> Title {
      Title(
        name: "\(name): \(attack.label)", key: "\(key) part \(number)",
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
    let shards = try overShards(of: Array(0..<set.count), title, units: 1, team.forEachTask) { members, classifier, _ in
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
      let (title, trial) = (title.part(number, part), try trial(of: part, against: threat, standing: left, title.part(number, part)))
      trials.append(trial)
      // Those that fell to it are spared all parts that follow.
      let fallen = left.count { $0 } - trial.withstood.count { $0 }
      meter.advance(by: fallen * parts[(number + 1)...].reduce(0) { $0 + Self.units($1, in: threat.norm) }, stage: title.name)
    }
    return AttackTrial(settings: attack, threat: threat, standing: standing, parts: trials)
  }

  /// What a certifier proves, and for interval bounds which examples are verified.
  func certified(
    by certifier: any Certifier, against threat: Threat, _ clean: [Bool]
  ) throws -> (certificate: Certificate, verified: [Bool]?) {
    let (set, seed, control, settings) = (set, seed, control, certifier.settings)
    let positions = certifier.needsCorrectAnswer ? clean.indices.filter { clean[$0] } : Array(clean.indices)
    meter.advance(by: (clean.count - positions.count) * settings.passes, stage: "certificate")
    let result = try overShards(
      of: positions, Title(name: "certificate", key: "certificate"), units: settings.passes, shard: certifier.shardSize,
      passOperations: certifier.passOperations, certifier.forEachTask
    ) { members, worker, passed in
      let examples = Examples(
        images: try set.images(members), labels: members.map { set.labels[$0] }, ids: members.map { set.ids[$0] }, seed: seed)
      return try worker.certify(examples, control: control, passed: passed)
    }
    let passes = result.records.reduce(0) { $0 + $1.cost.forwardPasses }
    switch settings {
    case .intervalBounds:
      var verified = [Bool](repeating: false, count: set.count)
      for (members, record) in zip(result.tasks, result.records) {
        for (position, outcome) in zip(members, record.withstood) { verified[position] = outcome }
      }
      return (Certificate(verified: verified, within: threat, forwardPasses: passes, seconds: result.seconds), verified)
    case .smoothing(let smoothing):
      let certificate = Certificate(
        certified: result.records.flatMap(\.distances), abstentions: result.records.reduce(0) { $0 + $1.abstentions }, smoothing,
        forwardPasses: passes, seconds: result.seconds)
      return (certificate, nil)
    }
  }

  /// Runs an attack again on the examples chosen.
  func trial(of recheck: Recheck, on chosen: [Bool]) throws -> AttackTrial {
    let name = "check \(recheck.purpose.rawValue)"
    var work = self
    work.seed = recheck.seed
    return try work.trial(of: recheck.attack, against: recheck.threat, standing: chosen, Title(name: name, key: name))
  }

  private func single(_ attack: AttackSettings, against threat: Threat, standing: [Bool], _ title: Title) throws -> AttackTrial {
    let adversary = attack.adversary(for: threat, keep: .firstMisclassified)
    let (set, seed, control) = (set, seed, control)
    let images = title.finder == nil ? nil : images
    let positions = standing.indices.filter { standing[$0] }
    let units = Self.units(attack, in: threat.norm)
    let result = try overShards(of: positions, title, units: units, team.forEachTask) { members, classifier, passed in
      let examples = Examples(
        images: try set.images(members), labels: members.map { set.labels[$0] }, ids: members.map { set.ids[$0] }, seed: seed)
      let result = try adversary.run(examples, of: classifier, control: control, passed: passed)
      var record = ShardRecord(result)
      record.images = try images?.keep(result, at: members)
      return record
    }
    var trial = AttackTrial(settings: attack, threat: threat, withstood: [Bool](repeating: false, count: set.count))
    for (members, record) in zip(result.tasks, result.records) {
      trial.add(record, at: members)
      if let finder = title.finder { images?.claim(record, at: members, by: finder) }
    }
    trial.seconds = result.seconds
    return trial
  }

  /// The floating-point operations of a task: a few seconds.
  private static let taskOperations = 3e11
  /// The numbers in the images of a task: what an attack remembers of them is several times as much.
  private static let taskValues = 1 << 18
  /// The fewest tasks of many examples, so that threads end together.
  private static let taskCount = 8

  /// The examples of each task: those of several shards where that is little work, because an attack brings those together that still stand,
  /// and then needs fewer shards. The number of threads changes nothing: a later attempt has the same tasks.
  ///
  /// - Parameter shard: how many examples go through the network at once.
  private func tasks(of positions: [Int], units: Int, shard: Int, passOperations: Int) -> [[Int]] {
    var size = shard
    if passOperations > 0 {
      let byWork = Self.taskOperations / (Double(max(units, 1)) * Double(passOperations))
      let most = min(positions.count / Self.taskCount, Int(byWork), Self.taskValues / team.inputShape.count)
      size = max((most + shard - 1) / shard, 1) * shard
    }
    return stride(from: 0, to: positions.count, by: size).map { Array(positions[$0..<min($0 + size, positions.count)]) }
  }

  /// Runs `body`, which tells of the passes that it makes, on each task of `positions` that the journal lacks. Returns the tasks and the records of all in order, and the seconds of the
  /// stage over all attempts.
  ///
  /// - Parameters:
  ///   - shard, passOperations: of what works; by default those of the team.
  ///   - forEachTask: lends each task what works for one thread.
  private func overShards<Worker>(
    of positions: [Int], _ title: Title, units: Int, shard: Int? = nil, passOperations: Int? = nil,
    _ forEachTask: @escaping (_ count: Int, _ body: @Sendable (Int, Worker) throws -> Void) throws -> Void,
    _ body: @Sendable ([Int], Worker, _ passed: @escaping (Int) -> Void) throws -> ShardRecord
  ) throws -> (tasks: [[Int]], records: [ShardRecord], seconds: Double) {
    let shards = tasks(
      of: positions, units: units, shard: max(shard ?? team.shardSize, 1), passOperations: passOperations ?? team.passOperations)
    let recorded = journal.begin(stage: title.key)
    let images = title.finder == nil ? nil : images
    let missing = try shards.indices.filter { shard in
      guard let record = recorded[shard], record.withstood.count == shards[shard].count else { return true }
      return try images?.holds(record, at: shards[shard]) == false
    }
    // Those of an earlier attempt count as done.
    let left = missing.reduce(0) { $0 + shards[$1].count }
    meter.advance(by: (positions.count - left) * units, stage: title.name)
    let (control, meter, journal) = (control, meter, journal)
    try forEachTask(missing.count) { task, worker in
      try control()
      let shard = missing[task]
      let own = TaskMeter(meter, units: shards[shard].count * units, stage: title.name)
      journal.record(shard, try body(shards[shard], worker, own.advance), of: title.key)
      own.finish()
    }
    let finished = journal.end(stage: title.key)
    return (shards, shards.indices.compactMap { finished.shards[$0] }, finished.seconds)
  }
}
