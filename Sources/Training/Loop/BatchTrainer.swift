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
  /// Where the retraining learns from adversarial images of the base model.
  var baseImages: BaseImages?
  /// The network compiled for training, once for each image that is learnt from at once.
  let sessions: [Session]
  /// Its interval bounds, where they are learnt from.
  let boundsSession: Session?
  /// The network with frozen branches, twice, where a penalty on gradients is learnt from.
  let frozen: [Session]
  /// The network as it is attacked where that needs the whole batch.
  let batchClassifier: BatchClassifier?
  private let batchAttack: Session?
  let gradients: Gradients
  let split: Split
  let attack: MethodAttack?
  private let threat: Threat
  private let settings: TrainingSettings
  private let weightUpdate: WeightUpdate
  let engine: Engine
  let width: Int
  let seed: UInt64
  let sharding: Sharding
  private let accumulation: Accumulation
  /// The first set of gradients in which sums over parts of a batch wait.
  private let firstWaitingSet: Int
  /// The most shards that pass at once.
  private var mostShards: Int { accumulation.shards }
  let control: @Sendable () throws -> Void

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
    frozen = try plan.frozenSessions(parameters)
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
    attack = run.settings.methodAttack
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
    let parts = batch.parts(of: max(accumulation.shards, 1) * sharding.size).map(work)
    // Taking a perturbation off again does not give the same bits.
    let before = batch.weightPerturbation > 0 ? parameters.copied() : nil
    let (results, sets, perturbation) = try puttingBack(before) { try computeGradients(parts) }
    // In the order of the tree, whichever thread was first: the sum of the losses is part of what a run must reproduce.
    let combined = ReductionTree.combined(results) {
      $0.tally += $1.tally
      $0.times += $1.times
    }
    var whole = combined ?? BatchWork.Result()
    addPenalties(to: &whole.tally, batch)
    guard whole.tally.loss.isFinite else {
      putBack(before)
      return nil
    }
    willUpdate()
    try parameters.withValues { weights in
      let trained = UnsafeMutableBufferPointer(rebasing: weights[..<parameters.layout.trainedCount])
      let step = optimizer.beginStep(on: trained, learningRate: learningRate)
      let update = weightUpdate.with(batch.bounds, l1: l1Slope(batch, weights))
      try update(gradients, sets: sets, step, on: engine, width: width)
    }
    perturbation?.remove(from: parameters)
    weightsChanged()
    if state.count > 0 { try updateState(after: batch, results) }
    return whole
  }

  /// To be called after the weights were changed from outside.
  func weightsChanged() {
    measuredNetwork.weightsChanged()
    attackedNetwork.weightsChanged()
    sessions[0].weightsChanged()
    frozen.first?.weightsChanged()
    boundsSession?.weightsChanged()
    batchAttack?.weightsChanged()
    averagedNetwork?.weightsChanged()
  }

  /// Takes the present weights into their average.
  func updateAverage() throws {
    try average?.update(from: parameters, on: engine, width: width)
    averagedNetwork?.weightsChanged()
  }

  func adversary(of batch: TrainingBatch) -> Adversary { settings.adversary(for: threat, epsilonFactor: batch.epsilonFactor) }

  private func work(_ batch: TrainingBatch) -> BatchWork {
    BatchWork(
      split: split, batch: batch, attack: attack, adversary: adversary(of: batch), augment: settings.augment,
      labelSmoothing: Float(settings.labelSmoothing), baseImages: baseImages, state: state, pass: batch.replay, seed: seed,
      sharding: sharding, control: control)
  }

  /// Whether the shards of a batch pass together: see `TrainingPlan`.
  private let isInLockstep: Bool

  /// How many sets of gradients a batch has left.
  private func sets(_ batch: TrainingBatch, _ shards: Int) -> Int {
    guard isInLockstep else { return shards }
    let ofViews = GradientSets(sessions(for: batch.objective).map(\.program), shards: shards).count
    return ofViews + (batch.objective.penalty == nil ? 0 : TrainingPlan.penaltySets)
  }

  /// Of each view of an objective.
  func sessions(for objective: any Objective) -> [Session] {
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
    tally.add(loss: (regularizer + l1) * Double(batch.ids.count))
  }

  /// What a body comes to; where it throws, the weights are as they were before.
  private func puttingBack<Value>(_ before: Parameters?, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch {
      putBack(before)
      throw error
    }
  }

  private func putBack(_ before: Parameters?) {
    guard let before else { return }
    parameters.copy(from: before)
    weightsChanged()
  }

  private func updateState(after batch: TrainingBatch, _ results: [BatchWork.Result]) throws {
    func whole(_ parts: [Tensor]) -> Tensor {
      Tensor(parts[0].shape.example.batched(batch.ids.count), values: parts.flatMap(\.values))
    }
    let (objective, views) = (batch.objective, batch.objective.views.indices)
    let logits = views.map { view in whole(results.map { $0.logits[view] }) }
    let inputGradients = objective.needsInputGradients ? views.map { view in whole(results.map { $0.inputGradients[view] }) } : []
    let outcome = ViewLogits(logits: logits, labels: split.labels(at: batch.ids), ids: batch.ids)
    objective.updateState(state, after: outcome, inputGradients: inputGradients)
    if attack?.isCarried == true, let mix = batch.mix { try ascend(batch, mix, inputGradients[0]) }
  }

  /// The step of a carried perturbation, by the gradient that the weights have learnt from.
  private func ascend(_ batch: TrainingBatch, _ mix: AdversarialMix, _ inputGradient: Tensor) throws {
    let positions = batch.ids.indices.filter { mix.isAdversarial(position: batch.start + $0) }
    let adversary = adversary(of: batch)
    guard !positions.isEmpty, let step = adversary.attack.reach(in: adversary.threat.norm) else { return }
    let ids = positions.map { batch.ids[$0] }
    let clean = settings.augment.augmented(try split.images(at: ids), ids: ids, seed: seed, epoch: batch.order)
    CarriedPerturbation(state).ascend(
      clean, along: inputGradient.gathered(positions), positions: positions, by: step, adversary.threat)
  }

  /// Leaves the gradients of the mean loss of a batch in `gradients`, those of its parts added up.
  ///
  /// - Returns: what each shard came to, in how many sets the gradients are, and the perturbation that the weights have now.
  private func computeGradients(_ parts: [BatchWork]) throws -> (results: [BatchWork.Result], sets: Int, WeightPerturbation?) {
    guard parts[0].batch.weightPerturbation > 0 else {
      let (results, sets) = try accumulate(parts) { part, shards, results in
        if isInLockstep {
          try learn(parts[part], trainingExamples(parts[part], shards, results), results)
        } else {
          try attackAndLearn(parts[part], shards, results)
        }
      }
      return (results.flatMap(\.self), sets, nil)
    }
    var examples: [[TrainingExamples]] = []
    var begun: [[BatchWork.Result]] = []
    for part in parts {
      let shards = sharding.count(part.batch.ids.count)
      let results = Mutex([BatchWork.Result](repeating: BatchWork.Result(), count: shards))
      examples.append(try trainingExamples(part, shards, results))
      begun.append(results.withLock { $0 })
    }
    let perturbation = try perturbWeights(parts, examples, &begun)
    let (results, sets) = try accumulate(parts, after: begun) { part, _, results in try learn(parts[part], examples[part], results) }
    return (results.flatMap(\.self), sets, perturbation)
  }

  /// Adds up the gradients of parts of a batch.
  ///
  /// - Parameters:
  ///   - begun: what the shards of each part have come to so far.
  ///   - learn: leaves the gradients of one part.
  /// - Returns: what each shard of each part came to, and in how many sets the gradients are.
  private func accumulate(
    _ parts: [BatchWork], after begun: [[BatchWork.Result]]? = nil,
    _ learn: (_ part: Int, _ shards: Int, borrowing Mutex<[BatchWork.Result]>) throws -> Void
  ) throws -> (results: [[BatchWork.Result]], sets: Int) {
    let statistics = parts.count > 1 ? parameters.untrainedValues : nil
    var sum = AccumulatedGradients(gradients, firstSet: firstWaitingSet, on: engine, width: width)
    var all: [[BatchWork.Result]] = []
    do {
      for (part, work) in parts.enumerated() {
        let shards = sharding.count(work.batch.ids.count)
        let results = Mutex(begun?[part] ?? [BatchWork.Result](repeating: BatchWork.Result(), count: shards))
        try learn(part, shards, results)
        all.append(results.withLock { $0 })
        if parts.count == 1 { return (all, sets(work.batch, shards)) }
        try sum.add(sets: sets(work.batch, shards))
        // The next part is attacked with the running statistics as this one has left them.
        if isInLockstep { attackedNetwork.weightsChanged() }
      }
    } catch {
      // The parts before have moved the running statistics, and the whole batch is to be done again.
      if let statistics { parameters.untrainedValues = statistics }
      weightsChanged()
      throw error
    }
    try sum.finish()
    return (all, 1)
  }

  /// Moves the weights along the gradient of the loss at the present ones, and nothing else: batch norm's running statistics stay, and weights
  /// that are not learnt.
  ///
  /// - Parameter results: the time is added to them; what else they hold is replaced when the examples are learnt from.
  private func perturbWeights(
    _ parts: [BatchWork], _ examples: [[TrainingExamples]], _ results: inout [[BatchWork.Result]]
  ) throws -> WeightPerturbation {
    let parts = parts.map { part in
      var part = part
      part.pass += 1
      return part
    }
    let statistics = parameters.untrainedValues
    let (found, sets) = try accumulate(parts, after: results) { part, _, results in try learn(parts[part], examples[part], results) }
    results = found
    parameters.untrainedValues = statistics
    let direction = weightUpdate.learntPart(of: gradients.reduced(sets: sets))
    let perturbation = WeightPerturbation(along: direction, of: parameters, size: parts[0].batch.weightPerturbation)
    perturbation.add(to: parameters)
    sessions[0].weightsChanged()
    frozen.first?.weightsChanged()
    boundsSession?.weightsChanged()
    return perturbation
  }

  /// The sessions whose weights are packed for a pass; further images share those of the first.
  private func packed(for objective: any Objective) -> [Session] {
    [sessions[0]] + frozen.prefix(1) + sessions(for: objective).filter { $0 === boundsSession }
  }

  private func workers(_ used: [Session]) -> [BatchWork.Worker] {
    zip(attackedNetwork.classifiers, sessions[0].contexts).enumerated().map { index, pair in
      BatchWork.Worker(classifier: pair.0, contexts: used.map { $0[index] }, set: mostShards + index, frozen: frozen.map { $0[index] })
    }
  }

  /// Each shard goes its whole way on one thread, from the attack to the gradients.
  private func attackAndLearn(_ work: BatchWork, _ shards: Int, _ results: borrowing Mutex<[BatchWork.Result]>) throws {
    let (control, gradients) = (control, gradients)
    let objective = work.batch.objective
    try Session.packWeights([attackedNetwork.session] + packed(for: objective), on: engine, width: width)
    try engine.parallel(shards, over: workers(sessions(for: objective))) { shard, worker in
      try control()
      var result = BatchWork.Result()
      let examples = try work.trainingExamples(shard: shard, classifier: worker.classifier, times: &result.times)
      work.learn(examples, shard: shard, by: worker, into: gradients, &result)
      results.withLock { $0[shard] = result }
    }
  }

  /// Leaves the gradients of the mean loss of these examples, an entry a shard, in `gradients`.
  private func learn(_ work: BatchWork, _ examples: [TrainingExamples], _ results: borrowing Mutex<[BatchWork.Result]>) throws {
    if isInLockstep { return try learnInLockstep(work, examples, results) }
    let (control, gradients) = (control, gradients)
    let objective = work.batch.objective
    try Session.packWeights(packed(for: objective), on: engine, width: width)
    try engine.parallel(examples.count, over: workers(sessions(for: objective))) { shard, worker in
      try control()
      var result = results.withLock { $0[shard] }
      work.learn(examples[shard], shard: shard, by: worker, into: gradients, &result)
      results.withLock { $0[shard] = result }
    }
  }
}
