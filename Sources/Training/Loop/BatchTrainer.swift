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
    let allocations = plan.allocations()
    parameters = Parameters(run.graph.layout)
    parameters.copy(from: run.initial)
    let attacked = try NetworkTeam(
      engine: run.engine, graph: run.graph, parameters: parameters, width: width, isHalf: run.precision.attacksInHalf,
      in: allocations.attack)
    self.attacked = attacked
    team =
      try plan.measuresApart
      ? NetworkTeam(engine: run.engine, graph: run.graph, parameters: parameters, width: width, in: allocations.measuring) : attacked
    session = try Session(plan.learning, parameters: parameters, contexts: plan.learningContexts, in: allocations.learning)
    let weights = parameters
    batchAttack = try plan.attackOnBatch.map { try Session($0, parameters: weights, contexts: plan.shards, in: allocations.attackOnBatch) }
    batchClassifier = batchAttack.map { BatchClassifier($0, on: run.engine, width: width) }
    gradientSets = plan.gradientSets
    gradients = Gradients(run.graph.layout, shards: gradientSets, in: allocations.gradients)
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
    if session.program.hasReductions {
      try trainInLockstep(work, shards, results)
    } else {
      try trainIndependently(work, shards, results)
    }
    // In the order of the tree, whichever thread was first: the sum of the losses is part of what a run must reproduce.
    let combined = ReductionTree.combined(results.withLock { $0 }) {
      $0.tally += $1.tally
      $0.times += $1.times
    }
    return combined ?? ShardWork.Result()
  }

  /// Each shard goes its whole way on one thread.
  private func trainIndependently(_ work: ShardWork, _ shards: Int, _ results: borrowing Mutex<[ShardWork.Result]>) throws {
    let control = control
    try Session.packWeights([attacked.session, session], on: engine, width: width)
    try engine.parallel(shards, over: Array(zip(attacked.classifiers, session.contexts))) { shard, worker in
      let (classifier, context) = worker
      try control()
      var result = ShardWork.Result()
      let examples = try work.trainingExamples(shard: shard, classifier: classifier, times: &result.times)
      let start = PhaseTimes.now()
      work.begin(examples, context)
      context.runForward()
      result.tally = work.beginBackward(examples, shard: shard, context)
      context.runBackward()
      result.times.add(.retrain, PhaseTimes.now() - start)
      results.withLock { $0[shard] = result }
    }
  }

  /// All shards are attacked, and then learn in step, because the network asks for the statistics of the whole batch.
  private func trainInLockstep(_ work: ShardWork, _ shards: Int, _ results: borrowing Mutex<[ShardWork.Result]>) throws {
    let examples = try trainingExamples(work, shards, results)
    try control()
    let start = PhaseTimes.now()
    try session.pass(shards: shards, on: engine, width: width) { shard, context in
      work.begin(examples[shard], context)
    } beginBackward: { shard, context in
      let tally = work.beginBackward(examples[shard], shard: shard, context)
      results.withLock { $0[shard].tally = tally }
    }
    let seconds = PhaseTimes.now() - start
    results.withLock { $0[0].times.add(.retrain, seconds * Double(min(width, shards))) }
  }

  private func trainingExamples(_ work: ShardWork, _ shards: Int, _ results: borrowing Mutex<[ShardWork.Result]>) throws -> [ShardWork
    .TrainingExamples]
  {
    if let batchClassifier { return try attackWholeBatch(work, shards, batchClassifier, results) }
    return try attackShards(work, shards, results)
  }

  /// Each shard is attacked by itself on one thread.
  private func attackShards(
    _ work: ShardWork, _ shards: Int, _ results: borrowing Mutex<[ShardWork.Result]>
  ) throws -> [ShardWork.TrainingExamples] {
    let control = control
    let examples = Mutex([ShardWork.TrainingExamples?](repeating: nil, count: shards))
    try attacked.session.packWeights(on: engine, width: width)
    try engine.parallel(shards, over: attacked.classifiers) { shard, classifier in
      try control()
      var times = PhaseTimes()
      let shardExamples = try work.trainingExamples(shard: shard, classifier: classifier, times: &times)
      examples.withLock { $0[shard] = shardExamples }
      results.withLock { $0[shard].times = times }
    }
    return examples.withLock { $0.compactMap(\.self) }
  }

  /// The whole batch is attacked in step.
  private func attackWholeBatch(
    _ work: ShardWork, _ shards: Int, _ classifier: BatchClassifier, _ results: borrowing Mutex<[ShardWork.Result]>
  ) throws -> [ShardWork.TrainingExamples] {
    try control()
    var times = PhaseTimes()
    let whole = try work.trainingExamples(rows: 0..<work.batch.ids.count, classifier: classifier, times: &times)
    let threads = Double(min(width, shards))
    results.withLock { $0[0].times = times.scaled(by: threads) }
    return (0..<shards).map { whole.gathered(shard.range($0, of: work.batch.ids.count)) }
  }
}
