import Attacks
import Datasets
import TensorEngine

/// What has to be done with a batch, for the threads that do it shard by shard: attack, combine, and the loss between forward and backward
/// passes.
struct BatchWork: Sendable {
  let split: Split
  let batch: TrainingBatch
  /// `nil` where the method attacks nothing.
  let attack: MethodAttack?
  let adversary: Adversary
  /// What is done to the images before all else.
  let augment: [Augmentation]
  /// See `ViewLogits.crossEntropy`.
  let labelSmoothing: Float
  /// What is learnt from instead of what the attack would make now.
  let baseImages: BaseImages?
  let state: MethodState
  /// Which pass over these examples, for the draws of dropout: replays of a batch have draws of their own, and so has the pass that perturbs
  /// the weights.
  var pass: Int
  let seed: UInt64
  let sharding: Sharding
  /// Asked between the iterations of an attack; what it throws ends the batch.
  let control: @Sendable () throws -> Void

  /// What one thread needs for a shard: a context for each view, and a set for the gradients of the views after the first.
  struct Worker {
    let classifier: any Classifier
    let contexts: [ExecutionContext]
    let set: Int
    /// Of the network with frozen branches, two where a penalty on gradients is learnt from.
    let frozen: [ExecutionContext]
  }

  struct Result: Sendable {
    var tally = EpochTally()
    var times = PhaseTimes()
    /// Of each view, where the method has a state or a penalty.
    var logits: [Tensor] = []
    /// The same, where these need them.
    var inputGradients: [Tensor] = []
  }

  // MARK: Attack and combine

  /// - Parameter classifier: of the calling thread; may be asked about this shard.
  /// - Throws: `StorageError` when the images cannot be read; what `control` throws.
  func trainingExamples(shard: Int, classifier: any Classifier, times: inout PhaseTimes) throws -> TrainingExamples {
    try trainingExamples(rows: sharding.range(shard, of: batch.ids.count), classifier: classifier, times: &times)
  }

  /// The same for some rows of the batch, about which the classifier may be asked all at once.
  func trainingExamples(rows: Range<Int>, classifier: any Classifier, times: inout PhaseTimes) throws -> TrainingExamples {
    let ids = Array(batch.ids[rows])
    let labels = split.labels(at: ids)
    let attackedRows = ids.indices.filter { batch.mix?.isAdversarial(position: batch.start + rows.lowerBound + $0) ?? false }

    let start = PhaseTimes.now()
    let clean = augmented(try split.images(at: ids), ids)
    let perturbed = try perturb(
      attackedRows, from: batch.offset + rows.lowerBound, images: clean, labels: labels, ids: ids, classifier)
    let afterAttack = PhaseTimes.now()
    let adversarial = perturbed.map { combined(clean, $0, attackedRows) } ?? clean
    let views = batch.objective.views.map { $0 == .adversarial ? adversarial : clean }
    times.add(.attack, afterAttack - start)
    times.add(.combine, PhaseTimes.now() - afterAttack)
    return TrainingExamples(clean: clean, views: views, labels: labels, ids: ids, attackedRows: attackedRows)
  }

  private func perturb(
    _ attackedRows: [Int], from first: Int, images: Tensor, labels: [Int], ids: [Int], _ classifier: any Classifier
  ) throws -> Tensor? {
    guard let attack, !attackedRows.isEmpty else { return nil }
    if let baseImages {
      let attacked = attackedRows.map { ids[$0] }
      return augmented(try baseImages.images(at: attacked), attacked)
    }
    if attack.isCarried {
      return CarriedPerturbation(state).images(images.gathered(attackedRows), positions: attackedRows.map { first + $0 })
    }
    let examples = Examples(images: images, labels: labels, ids: ids, seed: seed, epoch: batch.epoch)
    let targets = attackedRows.count == ids.count ? examples : examples.gathered(attackedRows)
    return try attack.perturb(targets, by: adversary, of: classifier, control: control)
  }

  /// Images as they are trained on in this epoch; those of the base model's attack are changed as the clean ones are.
  private func augmented(_ images: Tensor, _ ids: [Int]) -> Tensor {
    augment.augmented(images, ids: ids, seed: seed, epoch: batch.order)
  }

  /// An example that was not attacked stays clean.
  private func combined(_ clean: Tensor, _ perturbed: Tensor, _ attackedRows: [Int]) -> Tensor {
    guard attackedRows.count < clean.batch else { return perturbed }
    var images = clean
    for (position, row) in attackedRows.enumerated() { images[example: row] = perturbed[example: position] }
    return images
  }

  // MARK: Forward and backward

  /// The whole way of a shard on one thread, all views forward and then back. Its gradients are in the set of its number then.
  func learn(_ examples: TrainingExamples, shard: Int, by worker: Worker, into gradients: Gradients, _ result: inout Result) {
    let start = PhaseTimes.now()
    for (view, context) in worker.contexts.enumerated() {
      begin(examples, view: view, context)
      context.runForward()
    }
    let logitGradients = logitGradients(examples, worker.contexts.map(\.logits), &result)
    for (view, context) in worker.contexts.enumerated() {
      context.beginBackward(logitGradients[view], into: gradients, set: view == 0 ? shard : worker.set)
      context.runBackward()
      if view > 0 { gradients.add(worker.set, to: shard) }
    }
    if keepsInputGradients { result.inputGradients = worker.contexts.map(\.inputGradient) }
    penalise(examples, shard: shard, by: worker, into: gradients, &result)
    result.times.add(.retrain, PhaseTimes.now() - start)
  }

  /// Adds the gradients of a penalty on gradients at images, one pass after the other on one thread.
  private func penalise(
    _ examples: TrainingExamples, shard: Int, by worker: Worker, into gradients: Gradients, _ result: inout Result
  ) {
    guard var work = penaltyWork(examples) else { return }
    let context = worker.contexts[0]
    for (number, images) in work.images.enumerated() {
      context.begin(images, draws: draws(examples, image: number))
      context.runForward()
      let slopes = work.slopes(context.logits)
      context.beginBackward(slopes, into: gradients, set: worker.set)
      context.runBackward()
      work.take(context.inputGradient, from: slopes)
    }
    takeFirstView(&work, result)
    let moves = work.moves()
    for (context, sign) in zip(worker.frozen, [Float(1), -1]) {
      context.begin(work.stacked(moves, sign: sign), draws: drawsOfPenalty(examples))
      context.runForward()
    }
    let slopes = work.logitGradients(moves, worker.frozen[0].logits, worker.frozen[1].logits, count: batch.updateCount)
    for (context, slope) in zip(worker.frozen, [slopes.plus, slopes.minus]) {
      context.beginBackward(slope, into: gradients, set: worker.set)
      context.runBackward()
      gradients.add(worker.set, to: shard)
    }
    result.tally.add(loss: moves.penalties.reduce(0, +))
  }

  // MARK: Penalty

  /// What is to be done for the penalty of a shard; `nil` where the objective has none.
  func penaltyWork(_ examples: TrainingExamples) -> PenaltyWork? {
    guard let penalty = batch.objective.penalty else { return nil }
    let shard = Examples(images: examples.clean, labels: examples.labels, ids: examples.ids, seed: seed, epoch: batch.epoch)
    let rows = batch.mix == nil ? Array(examples.labels.indices) : examples.attackedRows
    return PenaltyWork(penalty, examples, rows: rows, images: penalty.images(shard, adversary.threat))
  }

  /// Gives the penalty the gradient at the first view, where it wants that: of each example's own loss, not of the batch's mean.
  func takeFirstView(_ work: inout PenaltyWork, _ result: Result) {
    guard batch.objective.penalty?.includesFirstView == true, var gradient = result.inputGradients.first else { return }
    for index in gradient.values.indices { gradient.values[index] *= Float(batch.updateCount) }
    work.take(gradient, from: work.slopes(result.logits[0]))
  }

  /// The draws of an image of the penalty.
  func draws(_ examples: TrainingExamples, image: Int) -> DrawKey {
    draws(examples, number: batch.objective.views.count + image)
  }

  /// Those of the image that weights learn from the penalty at.
  func drawsOfPenalty(_ examples: TrainingExamples) -> DrawKey {
    let images = batch.objective.penalty?.imageCount ?? 0
    return images == 0 ? draws(examples, number: 0) : draws(examples, image: images - 1)
  }

  /// - Parameter number: of an image within a pass.
  private func draws(_ examples: TrainingExamples, number: Int) -> DrawKey {
    let perPass = batch.objective.views.count + (batch.objective.penalty?.imageCount ?? 0)
    return DrawKey(seed: seed, epoch: batch.epoch, examples: examples.ids, draw: number + pass * perPass)
  }

  // MARK: Between forward and backward

  /// Whether the gradients at the images are read after a pass.
  var keepsInputGradients: Bool {
    batch.objective.needsInputGradients || batch.objective.penalty?.includesFirstView == true
  }

  /// Gives a context one view of the examples, for a forward pass.
  func begin(_ examples: TrainingExamples, view: Int, _ context: ExecutionContext) {
    let question =
      batch.objective.views[view] == .bounds
      ? batch.bounds.map {
        BoundsQuestion(epsilon: Float($0.epsilon), labels: examples.labels, regularization: Float($0.regularization))
      } : nil
    context.begin(examples.views[view], draws: draws(examples, number: view), bounds: question)
  }

  /// The gradient at the logits of each view of the mean loss of the whole batch, as far as it comes from these examples.
  ///
  /// - Parameter logits: of each view.
  func logitGradients(_ examples: TrainingExamples, _ logits: [Tensor], _ result: inout Result) -> [Tensor] {
    let seen = ViewLogits(logits: logits, labels: examples.labels, ids: examples.ids, labelSmoothing: labelSmoothing)
    var gradients = logits.map { Tensor(zeros: $0.shape) }
    let losses = losses(of: seen, attackedRows: examples.attackedRows, &gradients)
    let weight = 1 / Float(batch.updateCount)
    for view in gradients.indices {
      for index in gradients[view].values.indices { gradients[view].values[index] *= weight }
    }
    result.tally = tally(seen, losses, attackedRows: examples.attackedRows)
    if state.count > 0 || batch.objective.penalty != nil { result.logits = logits }
    return gradients
  }

  /// The objective of the examples that it sees, and the cross-entropy of those that the mix leaves clean.
  private func losses(of seen: ViewLogits, attackedRows: [Int], _ gradients: inout [Tensor]) -> [Float] {
    guard batch.mix != nil, attackedRows.count < seen.labels.count else {
      return batch.objective(seen, state: state, gradients: &gradients)
    }
    var losses = seen.crossEntropy(0, gradient: &gradients[0])
    guard !attackedRows.isEmpty else { return losses }
    let some = seen.gathered(attackedRows)
    var ofSome = some.logits.map { Tensor(zeros: $0.shape) }
    let lossesOfSome = batch.objective(some, state: state, gradients: &ofSome)
    for (position, row) in attackedRows.enumerated() {
      losses[row] = lossesOfSome[position]
      for view in gradients.indices { gradients[view][example: row] = ofSome[view][example: position] }
    }
    return losses
  }

  private func tally(_ seen: ViewLogits, _ losses: [Float], attackedRows: [Int]) -> EpochTally {
    var tally = EpochTally()
    for loss in losses { tally.count(loss: loss) }
    var isAttacked = [Bool](repeating: false, count: losses.count)
    for row in attackedRows { isAttacked[row] = true }
    // Bounds predict nothing.
    for (view, logits) in zip(batch.objective.views, seen.logits) where view != .bounds {
      let predicted = logits.argmax()
      for row in losses.indices {
        let isAdversarial = view == .adversarial && isAttacked[row]
        // A view that shows the clean image once more is not counted again.
        if view == .adversarial && !isAttacked[row] && batch.objective.views.count > 1 { continue }
        tally.count(isCorrect: predicted[row] == seen.labels[row], isAdversarial: isAdversarial)
      }
    }
    return tally
  }
}
