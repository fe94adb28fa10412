import Attacks
import Datasets
import TensorEngine

/// What one thread does with one shard of a batch: attack, combine, and learn on both sides of a session's pass.
struct ShardWork: Sendable {
  let split: Split
  let batch: TrainingBatch
  let adversary: Adversary
  let gradients: Gradients
  let seed: UInt64
  let shard: Shard
  /// Asked between the iterations of an attack; what it throws ends the batch.
  let control: @Sendable () throws -> Void

  struct Result: Sendable {
    var tally = EpochTally()
    var times = PhaseTimes()
  }

  /// What a shard learns from: the images after the attack.
  struct TrainingExamples: Sendable {
    let images: Tensor
    let labels: [Int]
    let ids: [Int]
    /// The rows that were attacked.
    let attacked: [Int]

    /// What some of its rows are.
    func gathered(_ rows: Range<Int>) -> TrainingExamples {
      TrainingExamples(
        images: images.gathered(rows), labels: Array(labels[rows]), ids: Array(ids[rows]),
        attacked: attacked.filter(rows.contains).map { $0 - rows.lowerBound })
    }
  }

  /// Attack and combine.
  ///
  /// - Parameter classifier: of the calling thread; may be asked about this shard.
  /// - Throws: `StorageError` when the images cannot be read; what `control` throws.
  func trainingExamples(shard: Int, classifier: any Classifier, times: inout PhaseTimes) throws -> TrainingExamples {
    try trainingExamples(rows: self.shard.range(shard, of: batch.ids.count), classifier: classifier, times: &times)
  }

  /// The same for some rows of the batch, about which the classifier may be asked all at once.
  func trainingExamples(rows: Range<Int>, classifier: any Classifier, times: inout PhaseTimes) throws -> TrainingExamples {
    let ids = Array(batch.ids[rows])
    let labels = split.labels(at: ids)
    let attacked = ids.indices.filter { batch.mix?.isAdversarial(position: batch.start + rows.lowerBound + $0) ?? false }

    let start = PhaseTimes.now()
    var images = try split.images(at: ids)
    let perturbed = try attack(attacked, images: images, labels: labels, ids: ids, classifier)
    let afterAttack = PhaseTimes.now()
    if let perturbed { combine(&images, perturbed, attacked) }
    times.add(.attack, afterAttack - start)
    times.add(.combine, PhaseTimes.now() - afterAttack)
    return TrainingExamples(images: images, labels: labels, ids: ids, attacked: attacked)
  }

  /// Gives the context the images to learn from.
  func begin(_ examples: TrainingExamples, _ context: ExecutionContext) {
    context.begin(examples.images, dropout: DropoutKey(seed: seed, epoch: batch.epoch, examples: examples.ids))
  }

  /// Takes the gradient of the mean loss of the whole batch, as far as it comes from this shard, to where its way back begins.
  func beginBackward(_ examples: TrainingExamples, shard: Int, _ context: ExecutionContext) -> EpochTally {
    let logits = context.logits
    var logitGradient = Tensor(zeros: logits.shape)
    let losses = CrossEntropy()(logits, labels: examples.labels, gradient: &logitGradient)
    let weight = 1 / Float(batch.ids.count)
    for index in logitGradient.values.indices { logitGradient.values[index] *= weight }
    context.beginBackward(logitGradient, into: gradients, shard: shard)

    var tally = EpochTally()
    let predicted = logits.argmax()
    var isAttacked = [Bool](repeating: false, count: examples.ids.count)
    for row in examples.attacked { isAttacked[row] = true }
    for row in examples.ids.indices {
      tally.count(loss: losses[row], isCorrect: predicted[row] == examples.labels[row], isAdversarial: isAttacked[row])
    }
    return tally
  }

  private func attack(_ attacked: [Int], images: Tensor, labels: [Int], ids: [Int], _ classifier: any Classifier) throws -> Tensor? {
    guard !attacked.isEmpty else { return nil }
    let examples = Examples(images: images, labels: labels, ids: ids, seed: seed, epoch: batch.epoch)
    let targets = attacked.count == ids.count ? examples : examples.gathered(attacked)
    return try adversary.perturb(targets, of: classifier, control: control)
  }

  private func combine(_ images: inout Tensor, _ perturbed: Tensor, _ attacked: [Int]) {
    if attacked.count == images.batch {
      images = perturbed
    } else {
      for (position, row) in attacked.enumerated() { images[example: row] = perturbed[example: position] }
    }
  }
}
