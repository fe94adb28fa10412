import Attacks
import Datasets
import TensorEngine

/// What one thread does with one shard of a batch: attack, combine, forward and backward.
struct ShardWork: Sendable {
  let split: Split
  let batch: TrainingBatch
  let adversary: Adversary
  let team: NetworkTeam
  let session: Session
  let gradients: Gradients
  let seed: UInt64

  struct Result: Sendable {
    var tally = EpochTally()
    var times = PhaseTimes()
  }

  func callAsFunction(shard: Int, lane: Int) -> Result {
    var result = Result()
    let rows = Shard.range(shard, of: batch.ids.count)
    let ids = Array(batch.ids[rows])
    let labels = split.labels(at: ids)
    let attacked = ids.indices.filter { batch.mix?.isAdversarial(position: batch.start + rows.lowerBound + $0) ?? false }

    let start = PhaseTimes.now()
    var images = split.images(at: ids)
    let perturbed = attack(attacked, images: images, labels: labels, ids: ids, lane: lane)
    let afterAttack = PhaseTimes.now()
    if let perturbed { combine(&images, perturbed, attacked) }
    let afterCombining = PhaseTimes.now()
    learn(images, labels: labels, ids: ids, attacked: attacked, shard: shard, lane: lane, tally: &result.tally)
    let end = PhaseTimes.now()

    result.times.add(.attack, afterAttack - start)
    result.times.add(.combine, afterCombining - afterAttack)
    result.times.add(.retrain, end - afterCombining)
    return result
  }

  private func attack(_ attacked: [Int], images: Tensor, labels: [Int], ids: [Int], lane: Int) -> Tensor? {
    guard !attacked.isEmpty else { return nil }
    let examples = Examples(images: images, labels: labels, ids: ids, seed: seed, epoch: batch.epoch)
    let targets = attacked.count == ids.count ? examples : examples.gathered(attacked)
    return adversary.perturb(targets, of: team.classifier(lane: lane))
  }

  private func combine(_ images: inout Tensor, _ perturbed: Tensor, _ attacked: [Int]) {
    if attacked.count == images.batch {
      images = perturbed
    } else {
      for (position, row) in attacked.enumerated() { images[example: row] = perturbed[example: position] }
    }
  }

  /// The gradients of the mean loss of the whole batch, as far as they come from this shard.
  private func learn(
    _ images: Tensor, labels: [Int], ids: [Int], attacked: [Int], shard: Int, lane: Int, tally: inout EpochTally
  ) {
    let pass = session[lane]
    let logits = pass.forward(images, dropout: DropoutKey(seed: seed, epoch: batch.epoch, examples: ids))
    var slope = Tensor(zeros: logits.shape)
    let losses = CrossEntropy()(logits, labels: labels, gradient: &slope)
    let share = 1 / Float(batch.ids.count)
    for index in slope.values.indices { slope.values[index] *= share }
    pass.backward(slope, into: gradients, shard: shard)

    let predicted = logits.argmax()
    var isAttacked = [Bool](repeating: false, count: ids.count)
    for row in attacked { isAttacked[row] = true }
    for row in ids.indices {
      tally.count(loss: losses[row], isCorrect: predicted[row] == labels[row], isAdversarial: isAttacked[row])
    }
  }
}
