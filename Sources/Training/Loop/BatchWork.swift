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
  let state: MethodState
  let seed: UInt64
  let sharding: Sharding
  /// Asked between the iterations of an attack; what it throws ends the batch.
  let control: @Sendable () throws -> Void

  struct Result: Sendable {
    var tally = EpochTally()
    var times = PhaseTimes()
    /// Of each view, where the method has a state.
    var logits: [Tensor] = []
    /// The same, where it needs them.
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
    let clean = try split.images(at: ids)
    let perturbed = try perturb(attackedRows, images: clean, labels: labels, ids: ids, classifier)
    let afterAttack = PhaseTimes.now()
    let adversarial = perturbed.map { combined(clean, $0, attackedRows) } ?? clean
    let views = batch.objective.views.map { $0 == .adversarial ? adversarial : clean }
    times.add(.attack, afterAttack - start)
    times.add(.combine, PhaseTimes.now() - afterAttack)
    return TrainingExamples(views: views, labels: labels, ids: ids, attackedRows: attackedRows)
  }

  private func perturb(_ attackedRows: [Int], images: Tensor, labels: [Int], ids: [Int], _ classifier: any Classifier) throws -> Tensor? {
    guard let attack, !attackedRows.isEmpty else { return nil }
    let examples = Examples(images: images, labels: labels, ids: ids, seed: seed, epoch: batch.epoch)
    let targets = attackedRows.count == ids.count ? examples : examples.gathered(attackedRows)
    return try adversary.perturb(attack.prepared(targets, of: classifier), of: classifier, control: control)
  }

  /// An example that was not attacked stays clean.
  private func combined(_ clean: Tensor, _ perturbed: Tensor, _ attackedRows: [Int]) -> Tensor {
    guard attackedRows.count < clean.batch else { return perturbed }
    var images = clean
    for (position, row) in attackedRows.enumerated() { images[example: row] = perturbed[example: position] }
    return images
  }

  // MARK: Between forward and backward

  /// Gives a context one view of the examples, for a forward pass.
  func begin(_ examples: TrainingExamples, view: Int, _ context: ExecutionContext) {
    let question =
      batch.objective.views[view] == .bounds
      ? batch.bounds.map {
        BoundsQuestion(epsilon: Float($0.epsilon), labels: examples.labels, regularization: Float($0.regularization))
      } : nil
    context.begin(
      examples.views[view], draws: DrawKey(seed: seed, epoch: batch.epoch, examples: examples.ids, draw: view), bounds: question)
  }

  /// The gradient at the logits of each view of the mean loss of the whole batch, as far as it comes from these examples.
  ///
  /// - Parameter logits: of each view.
  func logitGradients(_ examples: TrainingExamples, _ logits: [Tensor], _ result: inout Result) -> [Tensor] {
    let seen = ViewLogits(logits: logits, labels: examples.labels, ids: examples.ids)
    var gradients = logits.map { Tensor(zeros: $0.shape) }
    let losses = losses(of: seen, attackedRows: examples.attackedRows, &gradients)
    let weight = 1 / Float(batch.ids.count)
    for view in gradients.indices {
      for index in gradients[view].values.indices { gradients[view].values[index] *= weight }
    }
    result.tally = tally(seen, losses, attackedRows: examples.attackedRows)
    if state.count > 0 { result.logits = logits }
    return gradients
  }

  /// The objective of the examples that it sees, and the cross-entropy of those that the mix leaves clean.
  private func losses(of seen: ViewLogits, attackedRows: [Int], _ gradients: inout [Tensor]) -> [Float] {
    guard batch.mix != nil, attackedRows.count < seen.labels.count else {
      return batch.objective(seen, state: state, gradients: &gradients)
    }
    var losses = CrossEntropy()(seen.logits[0], labels: seen.labels, gradient: &gradients[0])
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
