import Attacks
import Datasets
import Synchronization
import TensorEngine

/// A network in training: its programs, compiled once, and the weights that they share.
final class BatchTrainer {
  let parameters: Parameters
  /// The state of the method.
  let state: MethodState
  /// The network as it is being trained, for measurements in single precision.
  let measuredNetwork: NetworkTeam
  /// The same for attacks; in single precision it is `measuredNetwork`.
  let attackedNetwork: NetworkTeam
  /// The average of the weights, and the network with them, for measurements; nil where they are not averaged.
  let average: WeightAverage?
  let averagedNetwork: NetworkTeam?
  /// The network compiled for training, once for each view that is learnt from at once.
  let sessions: [Session]
  /// The network as it is attacked where that needs the whole batch.
  private let batchClassifier: BatchClassifier?
  private let batchAttack: Session?
  private let gradients: Gradients
  private let split: Split
  private let attack: MethodAttack?
  private let threat: Threat
  private let settings: TrainingSettings
  private let weightUpdate: WeightUpdate
  private let engine: Engine
  private let width: Int
  private let seed: UInt64
  private let sharding: Sharding
  private let accumulation: Accumulation
  /// The first set of gradients in which sums over parts of a batch wait.
  private let firstWaitingSet: Int
  /// The most shards that pass at once.
  private var mostShards: Int { accumulation.shards }
  private let control: @Sendable () throws -> Void

  init(_ run: TrainingRun) throws {
    engine = run.engine
    let width = min(max(1, run.threads), run.engine.threads)
    self.width = width
    let plan = try TrainingPlan(
      run.graph, run.settings, precision: run.precision, examples: run.dataset.train.count, width: width, programs: run.engine.programs)
    let allocations = plan.allocations()
    let parameters = Parameters(run.graph.layout)
    self.parameters = parameters
    parameters.copy(from: run.initial)
    state = MethodState(count: plan.stateCount)
    let attackedNetwork = try NetworkTeam(
      engine: run.engine, graph: run.graph, parameters: parameters, width: width, isBF16: run.precision.attacksInBF16,
      in: allocations.attack)
    self.attackedNetwork = attackedNetwork
    measuredNetwork =
      try plan.measuresApart
      ? NetworkTeam(engine: run.engine, graph: run.graph, parameters: parameters, width: width, in: allocations.measuring) : attackedNetwork
    let average = run.settings.averageDecay.map { WeightAverage(run.graph.layout, decay: $0) }
    average?.begin(with: parameters)
    self.average = average
    // In the memory of that for the raw weights: they are measured one after the other.
    averagedNetwork = try average.map {
      try NetworkTeam(
        engine: run.engine, graph: run.graph, parameters: $0.parameters, width: width,
        in: plan.measuresApart ? allocations.measuring : allocations.attack)
    }
    let contexts = plan.learningContexts
    let first = try Session(plan.learning, parameters: parameters, contexts: contexts, in: allocations.learning[0])
    sessions =
      try [first]
      + allocations.learning.dropFirst().map {
        try Session(sharingWeightsOf: first, parameters: parameters, contexts: contexts, in: $0)
      }
    batchAttack = try plan.attackOnBatch.map {
      try Session($0, parameters: parameters, contexts: plan.shards, in: allocations.attackOnBatch)
    }
    batchClassifier = batchAttack.map { BatchClassifier($0, on: run.engine, width: width) }
    gradients = Gradients(run.graph.layout, sets: plan.gradientSets, in: allocations.gradients)
    split = run.dataset.train
    attack = run.settings.method.attack
    threat = run.threat
    settings = run.settings
    weightUpdate = WeightUpdate(
      clipNorm: run.settings.clipNorm, learnt: FrozenWeights(run.settings.freeze, of: run.graph.layout).learnt)
    seed = run.seed
    sharding = run.graph.sharding
    accumulation = plan.accumulation
    firstWaitingSet = plan.passedSets
    control = run.control
  }

  /// Attack, combine, retrain: one update of the weights.
  ///
  /// - Parameter willUpdate: called on this thread between the shards' work and the update.
  /// - Returns: what went through, with the seconds that the threads spent; nil when the loss is not finite, and then the trained
  ///   weights are as they were.
  /// - Throws: what `control` throws, and `StorageError` when images cannot be read; the weights are then as they were.
  func train(_ batch: TrainingBatch, with optimizer: Optimizer, learningRate: Double, willUpdate: () -> Void) throws -> BatchWork.Result? {
    let (results, sets) = try accumulateGradients(of: batch)
    // In the order of the tree, whichever thread was first: the sum of the losses is part of what a run must reproduce.
    let combined = ReductionTree.combined(results) {
      $0.tally += $1.tally
      $0.times += $1.times
    }
    let whole = combined ?? BatchWork.Result()
    guard whole.tally.loss.isFinite else { return nil }
    willUpdate()
    try parameters.withValues { weights in
      let trained = UnsafeMutableBufferPointer(rebasing: weights[..<parameters.layout.trainedCount])
      let step = optimizer.beginStep(on: trained, learningRate: learningRate)
      try weightUpdate(gradients, sets: sets, step, on: engine, width: width)
    }
    weightsChanged()
    if state.count > 0 { updateState(after: batch, results) }
    return whole
  }

  /// To be called after the weights were changed from outside.
  func weightsChanged() {
    measuredNetwork.weightsChanged()
    attackedNetwork.weightsChanged()
    sessions[0].weightsChanged()
    batchAttack?.weightsChanged()
    averagedNetwork?.weightsChanged()
  }

  /// Takes the present weights into their average.
  func updateAverage() throws {
    try average?.update(from: parameters, on: engine, width: width)
    averagedNetwork?.weightsChanged()
  }

  /// Whether the shards of a batch pass together, because the network asks for the statistics of all of them.
  private var isInLockstep: Bool { sessions[0].program.hasReductions }

  private func updateState(after batch: TrainingBatch, _ results: [BatchWork.Result]) {
    func whole(_ parts: [Tensor]) -> Tensor {
      Tensor(parts[0].shape.example.batched(batch.ids.count), values: parts.flatMap(\.values))
    }
    let (objective, views) = (batch.objective, batch.objective.views.indices)
    let logits = views.map { view in whole(results.map { $0.logits[view] }) }
    let inputGradients = objective.needsInputGradients ? views.map { view in whole(results.map { $0.inputGradients[view] }) } : []
    let outcome = ViewLogits(logits: logits, labels: split.labels(at: batch.ids), ids: batch.ids)
    objective.updateState(state, after: outcome, inputGradients: inputGradients)
  }

  /// Leaves the gradients of the batch's mean loss in `gradients`, part by part of the batch where it has several.
  ///
  /// - Returns: what each shard came to, and in how many sets the gradients are.
  private func accumulateGradients(of batch: TrainingBatch) throws -> (results: [BatchWork.Result], sets: Int) {
    func sets(_ results: [BatchWork.Result]) -> Int { isInLockstep ? batch.objective.views.count : results.count }
    let parts = batch.parts(of: accumulation.shards * sharding.size)
    guard parts.count > 1 else {
      let results = try computeGradients(of: batch)
      return (results, sets(results))
    }
    var sum = AccumulatedGradients(gradients, firstSet: firstWaitingSet, on: engine, width: width)
    var all: [BatchWork.Result] = []
    let statistics = parameters.withValues { Array($0[parameters.layout.trainedCount...]) }
    do {
      for part in parts {
        let results = try computeGradients(of: part)
        try sum.add(sets: sets(results))
        all += results
        // The next part is attacked with the running statistics as this one has left them.
        if isInLockstep { attackedNetwork.weightsChanged() }
      }
    } catch {
      // The parts before have moved the running statistics, and the whole batch is to be done again.
      parameters.withValues { _ = $0[parameters.layout.trainedCount...].update(fromContentsOf: statistics) }
      weightsChanged()
      throw error
    }
    try sum.finish()
    return (all, 1)
  }

  /// The same for a batch, or a part of one, that passes at once.
  private func computeGradients(of batch: TrainingBatch) throws -> [BatchWork.Result] {
    let shards = sharding.count(batch.ids.count)
    let work = BatchWork(
      split: split, batch: batch, attack: attack, adversary: settings.adversary(for: threat, epsilonFactor: batch.epsilonFactor),
      augment: settings.augment, labelSmoothing: Float(settings.labelSmoothing), state: state, seed: seed, sharding: sharding,
      control: control)
    let results = Mutex([BatchWork.Result](repeating: BatchWork.Result(), count: shards))
    if isInLockstep {
      try passInLockstep(work, shards, results)
    } else {
      try passIndependently(work, shards, results)
    }
    return results.withLock { $0 }
  }

  /// What one thread needs for a shard: a context for each view, and a set for the gradients of the views after the first.
  private struct Worker {
    let classifier: any Classifier
    let contexts: [ExecutionContext]
    let set: Int
  }

  private func workers(views: Int) -> [Worker] {
    let used = sessions[..<views]
    return zip(attackedNetwork.classifiers, sessions[0].contexts).enumerated().map { index, pair in
      Worker(classifier: pair.0, contexts: used.map { $0[index] }, set: mostShards + index)
    }
  }

  /// Each shard goes its whole way on one thread.
  private func passIndependently(_ work: BatchWork, _ shards: Int, _ results: borrowing Mutex<[BatchWork.Result]>) throws {
    let (control, gradients) = (control, gradients)
    let needsInputGradients = work.batch.objective.needsInputGradients
    try Session.packWeights([attackedNetwork.session, sessions[0]], on: engine, width: width)
    try engine.parallel(shards, over: workers(views: work.batch.objective.views.count)) { shard, worker in
      try control()
      var result = BatchWork.Result()
      let examples = try work.trainingExamples(shard: shard, classifier: worker.classifier, times: &result.times)
      let start = PhaseTimes.now()
      for (view, context) in worker.contexts.enumerated() {
        work.begin(examples, view: view, context)
        context.runForward()
      }
      let logitGradients = work.logitGradients(examples, worker.contexts.map(\.logits), &result)
      for (view, context) in worker.contexts.enumerated() {
        context.beginBackward(logitGradients[view], into: gradients, set: view == 0 ? shard : worker.set)
        context.runBackward()
        if view > 0 { gradients.add(worker.set, to: shard) }
      }
      if needsInputGradients { result.inputGradients = worker.contexts.map(\.inputGradient) }
      result.times.add(.retrain, PhaseTimes.now() - start)
      results.withLock { $0[shard] = result }
    }
  }

  /// All shards are attacked. Then the views before the last go forward and wait; the last one goes forward, the loss is taken over all
  /// views, and all go back: the last as part of its pass, the others after it.
  private func passInLockstep(_ work: BatchWork, _ shards: Int, _ results: borrowing Mutex<[BatchWork.Result]>) throws {
    let examples = try trainingExamples(work, shards, results)
    try control()
    let start = PhaseTimes.now()
    let (gradients, last) = (gradients, work.batch.objective.views.count - 1)
    let sessions = sessions[...last]
    // Safe: the contexts of a shard, one for each view, are used by the task of that shard alone.
    nonisolated(unsafe) let contexts = sessions.map(\.contexts)
    for view in 0..<last {
      try sessions[view].forward(shards: shards, on: engine, width: width) { shard, context in
        work.begin(examples[shard], view: view, context)
      } end: { _, _ in
      }
    }
    try sessions[last].pass(shards: shards, on: engine, width: width) { shard, context in
      work.begin(examples[shard], view: last, context)
    } beginBackward: { shard, _ in
      let contexts = contexts.map { $0[shard] }
      var result = results.withLock { $0[shard] }
      let logitGradients = work.logitGradients(examples[shard], contexts.map(\.logits), &result)
      for (view, context) in contexts.enumerated() { context.beginBackward(logitGradients[view], into: gradients, set: view) }
      results.withLock { $0[shard] = result }
    }
    for view in 0..<last { try sessions[view].backward(shards: shards, on: engine, width: width) }
    if work.batch.objective.needsInputGradients {
      for shard in 0..<shards {
        let inputGradients = sessions.map { $0[shard].inputGradient }
        results.withLock { $0[shard].inputGradients = inputGradients }
      }
    }
    let seconds = PhaseTimes.now() - start
    results.withLock { $0[0].times.add(.retrain, seconds * Double(min(width, shards))) }
  }

  private func trainingExamples(
    _ work: BatchWork, _ shards: Int, _ results: borrowing Mutex<[BatchWork.Result]>
  ) throws -> [TrainingExamples] {
    if let batchClassifier { return try attackWholeBatch(work, shards, batchClassifier, results) }
    return try attackShards(work, shards, results)
  }

  /// Each shard is attacked by itself on one thread.
  private func attackShards(
    _ work: BatchWork, _ shards: Int, _ results: borrowing Mutex<[BatchWork.Result]>
  ) throws -> [TrainingExamples] {
    let control = control
    let examples = Mutex([TrainingExamples?](repeating: nil, count: shards))
    try attackedNetwork.session.packWeights(on: engine, width: width)
    try engine.parallel(shards, over: attackedNetwork.classifiers) { shard, classifier in
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
    _ work: BatchWork, _ shards: Int, _ classifier: BatchClassifier, _ results: borrowing Mutex<[BatchWork.Result]>
  ) throws -> [TrainingExamples] {
    try control()
    var times = PhaseTimes()
    let whole = try work.trainingExamples(rows: 0..<work.batch.ids.count, classifier: classifier, times: &times)
    let threads = Double(min(width, shards))
    results.withLock { $0[0].times = times.scaled(by: threads) }
    return (0..<shards).map { whole.gathered(sharding.range($0, of: work.batch.ids.count)) }
  }
}
