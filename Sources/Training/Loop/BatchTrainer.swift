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
  /// The network compiled for training, once for each image that is learnt from at once.
  let sessions: [Session]
  /// Its interval bounds, where they are learnt from.
  private let boundsSession: Session?
  /// The network as it is attacked where that needs the whole batch.
  private let batchClassifier: BatchClassifier?
  private let batchAttack: Session?
  private let gradients: Gradients
  private let split: Split
  private let attack: MethodAttack?
  private let threat: Threat
  private let settings: TrainingSettings
  private let engine: Engine
  private let width: Int
  private let seed: UInt64
  private let sharding: Sharding
  /// The most shards of a batch.
  private let mostShards: Int
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
    let contexts = plan.learningContexts
    let first = try Session(plan.learning, parameters: parameters, contexts: contexts, in: allocations.learning[0])
    sessions =
      try [first]
      + allocations.learning.dropFirst().map {
        try Session(sharingWeightsOf: first, parameters: parameters, contexts: contexts, in: $0)
      }
    boundsSession = try plan.bounds.map {
      try Session($0, parameters: parameters, contexts: contexts, in: allocations.bounds)
    }
    isInLockstep = plan.isInLockstep
    batchAttack = try plan.attackOnBatch.map {
      try Session($0, parameters: parameters, contexts: plan.shards, in: allocations.attackOnBatch)
    }
    batchClassifier = batchAttack.map { BatchClassifier($0, on: run.engine, width: width) }
    gradients = Gradients(run.graph.layout, sets: plan.gradientSets, in: allocations.gradients)
    split = run.dataset.train
    attack = run.settings.method.attack
    threat = run.threat
    settings = run.settings
    seed = run.seed
    sharding = run.graph.sharding
    mostShards = plan.shards
    control = run.control
  }

  /// Attack, combine, retrain: one update of the weights.
  ///
  /// - Parameter willUpdate: called on this thread between the shards' work and the update.
  /// - Returns: what went through, with the seconds that the threads spent; nil when the loss is not finite, and then the trained
  ///   weights are as they were.
  /// - Throws: what `control` throws, and `StorageError` when images cannot be read; the weights are then as they were.
  func train(_ batch: TrainingBatch, with optimizer: Optimizer, learningRate: Double, willUpdate: () -> Void) throws -> BatchWork.Result? {
    let shards = sharding.count(batch.ids.count)
    let results = try computeGradients(of: batch, shards)
    // In the order of the tree, whichever thread was first: the sum of the losses is part of what a run must reproduce.
    let combined = ReductionTree.combined(results) {
      $0.tally += $1.tally
      $0.times += $1.times
    }
    var whole = combined ?? BatchWork.Result()
    addPenalties(to: &whole.tally, batch)
    guard whole.tally.loss.isFinite else { return nil }
    willUpdate()
    try parameters.withValues { weights in
      let trained = UnsafeMutableBufferPointer(rebasing: weights[..<parameters.layout.trainedCount])
      let step = optimizer.beginStep(on: trained, learningRate: learningRate)
      let used = sessions(for: batch.objective)
      let sets = isInLockstep ? GradientSets(used.map(\.program), shards: shards).count : shards
      let update = WeightUpdate(clipNorm: batch.bounds?.clipNorm, l1: l1Slope(batch, weights))
      try update(gradients, sets: sets, step, on: engine, width: width)
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
    boundsSession?.weightsChanged()
    batchAttack?.weightsChanged()
  }

  /// Whether the shards of a batch pass together: see `TrainingPlan`.
  private let isInLockstep: Bool

  /// Of each view of an objective.
  private func sessions(for objective: any Objective) -> [Session] {
    let images = objective.views.count { $0 != .bounds }
    return sessions[..<images] + (images < objective.views.count ? [boundsSession].compactMap(\.self) : [])
  }

  private func l1Slope(_ batch: TrainingBatch, _ weights: UnsafeMutableBufferPointer<Float>) -> L1Slope? {
    guard let l1 = batch.bounds?.l1, l1 > 0, let base = weights.baseAddress else { return nil }
    return L1Slope(l1, parameters.layout, base)
  }

  /// What the loss has beside those of the examples.
  private func addPenalties(to tally: inout EpochTally, _ batch: TrainingBatch) {
    guard let bounds = batch.bounds else { return }
    let regularizer = bounds.regularization > 0 ? Double(boundsSession?.penalty ?? 0) : 0
    let l1 = parameters.withValues { l1Slope(batch, $0)?.penalty ?? 0 }
    tally.count(penalty: regularizer + l1, examples: batch.ids.count)
  }

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

  /// Leaves the gradients of the batch's mean loss in `gradients`.
  ///
  /// - Returns: what each shard came to.
  private func computeGradients(of batch: TrainingBatch, _ shards: Int) throws -> [BatchWork.Result] {
    let work = BatchWork(
      split: split, batch: batch, attack: attack, adversary: settings.adversary(for: threat, epsilonFactor: batch.epsilonFactor),
      state: state,
      seed: seed, sharding: sharding, control: control)
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

  private func workers(_ used: [Session]) -> [Worker] {
    return zip(attackedNetwork.classifiers, sessions[0].contexts).enumerated().map { index, pair in
      Worker(classifier: pair.0, contexts: used.map { $0[index] }, set: mostShards + index)
    }
  }

  /// Each shard goes its whole way on one thread.
  private func passIndependently(_ work: BatchWork, _ shards: Int, _ results: borrowing Mutex<[BatchWork.Result]>) throws {
    let (control, gradients) = (control, gradients)
    let needsInputGradients = work.batch.objective.needsInputGradients
    let used = sessions(for: work.batch.objective)
    // The further images share the packed weights of the first.
    let packed = [attackedNetwork.session, sessions[0]] + used.filter { $0 === boundsSession }
    try Session.packWeights(packed, on: engine, width: width)
    try engine.parallel(shards, over: workers(used)) { shard, worker in
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
    let sessions = sessions(for: work.batch.objective)
    let sets = GradientSets(sessions.map(\.program), shards: shards)
    // Safe: the contexts of a shard, one for each view, are used by the task of that shard alone.
    nonisolated(unsafe) let contexts = sessions.map(\.contexts)
    // The passes of images change the running statistics, which the bounds have in their packed weights.
    boundsSession?.weightsChanged()
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
      for (view, context) in contexts.enumerated() {
        context.beginBackward(logitGradients[view], into: gradients, set: sets.set(view: view, shard: shard))
      }
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
    if work.batch.mix != nil { try attackedNetwork.session.packWeights(on: engine, width: width) }
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
