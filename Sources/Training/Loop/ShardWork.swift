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
  struct Lesson: Sendable {
    let images: Tensor
    let labels: [Int]
    let ids: [Int]
    /// The rows that were attacked.
    let attacked: [Int]

    /// What some of its rows are.
    func part(_ rows: Range<Int>) -> Lesson {
      Lesson(
        images: images.gathered(rows), labels: Array(labels[rows]), ids: Array(ids[rows]),
        attacked: attacked.filter(rows.contains).map { $0 - rows.lowerBound })
    }
  }

  /// Attack and combine.
  ///
  /// - Parameter classifier: of the calling thread; may be asked about this shard.
  /// - Throws: `StorageError` when the images cannot be read; what `control` throws.
  func lesson(shard: Int, classifier: any Classifier, times: inout PhaseTimes) throws -> Lesson {
    try lesson(rows: self.shard.range(shard, of: batch.ids.count), classifier: classifier, times: &times)
  }

  /// The same for some rows of the batch, about which the classifier may be asked all at once.
  func lesson(rows: Range<Int>, classifier: any Classifier, times: inout PhaseTimes) throws -> Lesson {
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
    return Lesson(images: images, labels: labels, ids: ids, attacked: attacked)
  }

  /// Gives the lane the images to learn from.
  func begin(_ lesson: Lesson, _ lane: Lane) {
    lane.begin(lesson.images, dropout: DropoutKey(seed: seed, epoch: batch.epoch, examples: lesson.ids))
  }

  /// Takes the gradient of the mean loss of the whole batch, as far as it comes from this shard, to where its way back begins.
  func turn(_ lesson: Lesson, shard: Int, _ lane: Lane) -> EpochTally {
    let logits = lane.logits
    var slope = Tensor(zeros: logits.shape)
    let losses = CrossEntropy()(logits, labels: lesson.labels, gradient: &slope)
    let share = 1 / Float(batch.ids.count)
    for index in slope.values.indices { slope.values[index] *= share }
    lane.turn(slope, into: gradients, shard: shard)

    var tally = EpochTally()
    let predicted = logits.argmax()
    var isAttacked = [Bool](repeating: false, count: lesson.ids.count)
    for row in lesson.attacked { isAttacked[row] = true }
    for row in lesson.ids.indices {
      tally.count(loss: losses[row], isCorrect: predicted[row] == lesson.labels[row], isAdversarial: isAttacked[row])
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
