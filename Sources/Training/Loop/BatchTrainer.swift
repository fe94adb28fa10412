import Attacks
import Datasets
import Synchronization
import TensorEngine

/// A network in training: its programs, compiled once, and the weights that they share.
final class BatchTrainer {
  let parameters: Parameters
  /// The network as it is being trained, for measurements in single precision.
  let team: NetworkTeam
  /// The same for attacks; in single precision it is `team`.
  let attacked: NetworkTeam
  /// The network compiled for training.
  let session: Session
  /// The network as it is attacked where that needs the whole batch.
  private let batchClassifier: BatchClassifier?
  private let batchAttack: Session?
  private let gradients: Gradients
  private let gradientSets: Int
  private let split: Split
  private let adversary: Adversary
  private let engine: Engine
  private let width: Int
  private let seed: UInt64
  private let shard: Shard
  private let control: @Sendable () throws -> Void

  init(_ run: TrainingRun) throws {
    engine = run.engine
    let width = min(max(1, run.threads), run.engine.threads)
    self.width = width
    let plan = try TrainingPlan(
      run.graph, run.settings, precision: run.precision, examples: run.dataset.train.count, width: width, programs: run.engine.programs)
    let places = plan.places()
    parameters = Parameters(run.graph.layout)
    parameters.copy(from: run.initial)
    let attacked = try NetworkTeam(
      engine: run.engine, graph: run.graph, parameters: parameters, width: width, isHalf: run.precision.attacksInHalf, in: places.attack)
    self.attacked = attacked
    team =
      try plan.measuresApart
      ? NetworkTeam(engine: run.engine, graph: run.graph, parameters: parameters, width: width, in: places.measuring) : attacked
    session = try Session(plan.learning, parameters: parameters, lanes: plan.learningLanes, in: places.learning)
    let weights = parameters
    batchAttack = try plan.attackOnBatch.map { try Session($0, parameters: weights, lanes: plan.shards, in: places.attackOnBatch) }
    batchClassifier = batchAttack.map { BatchClassifier($0, on: run.engine, width: width) }
    gradientSets = plan.gradientSets
    gradients = Gradients(run.graph.layout, shards: gradientSets, in: places.gradients)
    split = run.dataset.train
    adversary = run.settings.attack.adversary(for: run.threat, keep: .last)
    seed = run.seed
    shard = run.graph.shard
    control = run.control
  }

  /// Attack, combine, retrain: one update of the weights.
  ///
  /// - Parameter willUpdate: called on this thread between the shards' work and the update.
  /// - Returns: what went through, with the seconds that the threads spent; nil when the loss is not finite, and then the weights are as
  ///   they were.
  /// - Throws: what `control` throws, and `StorageError` when images cannot be read; the weights are then as they were.
  func train(_ batch: TrainingBatch, with optimizer: Optimizer, learningRate: Double, willUpdate: () -> Void) throws -> ShardWork.Result? {
    let result = try gradients(of: batch)
    guard result.tally.loss.isFinite else { return nil }
    willUpdate()
    try parameters.withValues { weights in
      let trained = UnsafeMutableBufferPointer(rebasing: weights[..<parameters.layout.trainedCount])
      let step = optimizer.beginStep(on: trained, learningRate: learningRate)
      let sets = min(gradientSets, shard.count(batch.ids.count))
      try gradients.reduce(shards: sets, on: engine, width: width) { step.update($0, gradient: $1) }
    }
    refresh()
    return result
  }

  /// To be called after the weights were changed from outside.
  func refresh() {
    team.refresh()
    attacked.refresh()
    session.refresh()
    batchAttack?.refresh()
  }

  private func gradients(of batch: TrainingBatch) throws -> ShardWork.Result {
    let work = ShardWork(
      split: split, batch: batch, adversary: adversary, gradients: gradients, seed: seed, shard: shard, control: control)
    let shards = shard.count(batch.ids.count)
    let results = Mutex([ShardWork.Result](repeating: ShardWork.Result(), count: shards))
    if session.program.hasMeetings {
      try learnTogether(work, shards, results)
    } else {
      try learnApart(work, shards, results)
    }
    // Summed in the order of the shards, whichever thread was first: the sum of the losses is part of what a run must reproduce.
    return results.withLock { results in
      results.reduce(into: ShardWork.Result()) {
        $0.tally += $1.tally
        $0.times += $1.times
      }
    }
  }

  /// Each shard goes its whole way on one thread.
  private func learnApart(_ work: ShardWork, _ shards: Int, _ results: borrowing Mutex<[ShardWork.Result]>) throws {
    let (control, session, team) = (control, session, attacked)
    try Session.ready([team.session, session], on: engine, width: width)
    try engine.parallel(shards, width: width) { shard, lane in
      try control()
      var result = ShardWork.Result()
      let lesson = try work.lesson(shard: shard, classifier: team.classifier(lane: lane), times: &result.times)
      let start = PhaseTimes.now()
      work.begin(lesson, session[lane])
      session[lane].runForward()
      result.tally = work.turn(lesson, shard: shard, session[lane])
      session[lane].runBackward()
      result.times.add(.retrain, PhaseTimes.now() - start)
      results.withLock { $0[shard] = result }
    }
  }

  /// All shards are attacked, and then learn in step, because the network asks for the statistics of the whole batch.
  private func learnTogether(_ work: ShardWork, _ shards: Int, _ results: borrowing Mutex<[ShardWork.Result]>) throws {
    let lessons = try lessons(work, shards, results)
    try control()
    let start = PhaseTimes.now()
    try session.pass(shards: shards, on: engine, width: width) { shard, lane in
      work.begin(lessons[shard], lane)
    } turn: { shard, lane in
      let tally = work.turn(lessons[shard], shard: shard, lane)
      results.withLock { $0[shard].tally = tally }
    }
    let seconds = PhaseTimes.now() - start
    results.withLock { $0[0].times.add(.retrain, seconds * Double(min(width, shards))) }
  }

  private func lessons(_ work: ShardWork, _ shards: Int, _ results: borrowing Mutex<[ShardWork.Result]>) throws -> [ShardWork.Lesson] {
    if let batchClassifier { return try attackTogether(work, shards, batchClassifier, results) }
    return try attackApart(work, shards, results)
  }

  /// Each shard is attacked by itself on one thread.
  private func attackApart(
    _ work: ShardWork, _ shards: Int, _ results: borrowing Mutex<[ShardWork.Result]>
  ) throws -> [ShardWork.Lesson] {
    let (control, team) = (control, attacked)
    let lessons = Mutex([ShardWork.Lesson?](repeating: nil, count: shards))
    try team.session.ready(on: engine, width: width)
    try engine.parallel(shards, width: width) { shard, lane in
      try control()
      var times = PhaseTimes()
      let lesson = try work.lesson(shard: shard, classifier: team.classifier(lane: lane), times: &times)
      lessons.withLock { $0[shard] = lesson }
      results.withLock { $0[shard].times = times }
    }
    return lessons.withLock { $0.compactMap(\.self) }
  }

  /// The whole batch is attacked in step.
  private func attackTogether(
    _ work: ShardWork, _ shards: Int, _ classifier: BatchClassifier, _ results: borrowing Mutex<[ShardWork.Result]>
  ) throws -> [ShardWork.Lesson] {
    try control()
    var times = PhaseTimes()
    let whole = try work.lesson(rows: 0..<work.batch.ids.count, classifier: classifier, times: &times)
    let threads = Double(min(width, shards))
    results.withLock { $0[0].times = times.scaled(by: threads) }
    return (0..<shards).map { whole.part(shard.range($0, of: work.batch.ids.count)) }
  }
}
