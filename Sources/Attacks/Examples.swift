import TensorEngine

/// The images that an attack is given at once, and what fixes their random numbers.
///
/// Each example draws from a stream of its own, fixed by (seed, purpose, epoch, id, round): the batch that it is in changes nothing.
package struct Examples: Sendable {
  /// Clean, `[batch, height, width, channels]`, in [0, 1].
  package let images: Tensor
  /// The true classes.
  package let labels: [Int]
  /// What each example is called in its dataset.
  package let ids: [Int]
  package var seed: UInt64
  package var epoch: Int
  /// The number of the restart.
  package var round: Int
  /// Where to start instead of where the attack would, same shape as `images`: for comparisons with other libraries.
  package var starts: Tensor?
  /// What to raise instead of the attack's own loss: a training method may have one of its own.
  package var loss: (any Loss)?
  /// `[batch, classes]`: what that loss compares the logits with.
  package var referenceLogits: Tensor?

  package init(images: Tensor, labels: [Int], ids: [Int], seed: UInt64, epoch: Int = 0, round: Int = 0, starts: Tensor? = nil) {
    precondition(images.batch == labels.count && labels.count == ids.count, "an example has an image, a label and an id")
    precondition(starts == nil || starts?.shape == images.shape, "a start has the shape of its image")
    self.images = images
    self.labels = labels
    self.ids = ids
    self.seed = seed
    self.epoch = epoch
    self.round = round
    self.starts = starts
  }

  package var count: Int { labels.count }

  /// The examples in `rows`, in that order.
  package func gathered(_ rows: [Int]) -> Examples {
    var gathered = Examples(
      images: images.gathered(rows), labels: rows.map { labels[$0] }, ids: rows.map { ids[$0] }, seed: seed, epoch: epoch, round: round,
      starts: starts?.gathered(rows))
    gathered.loss = loss
    gathered.referenceLogits = referenceLogits?.gathered(rows)
    return gathered
  }

  /// What a loss may compare the logits with.
  package var targets: LossTargets { LossTargets(labels: labels, referenceLogits: referenceLogits, ids: ids) }

  /// The random numbers of each example for `purpose`.
  package func streams(for purpose: RandomPurpose) -> [RandomStream] {
    ids.map { RandomStream(seed: seed, purpose: purpose, epoch: epoch, example: $0, round: round) }
  }
}
