/// The examples of one update of the weights.
struct TrainingBatch: Sendable {
  /// Positions in the training set, in the order of the epoch.
  let ids: [Int]
  /// The position of the first in the epoch's order.
  let start: Int
  /// Counted from 1.
  let epoch: Int
  /// Which of them are attacked; nil: none.
  let mix: AdversarialMix?
  /// What is learnt from those that are attacked, or from all where none is.
  let objective: any Objective
  /// The part of the threat's epsilon within which they are attacked, and by which each length of the attack is scaled.
  let epsilonFactor: Double
  /// The examples of the whole update, where this is a part of its batch.
  private(set) var updateCount: Int

  init(
    ids: [Int], start: Int, epoch: Int, mix: AdversarialMix?, objective: any Objective, epsilonFactor: Double = 1
  ) {
    self.ids = ids
    self.start = start
    self.epoch = epoch
    self.mix = mix
    self.objective = objective
    self.epsilonFactor = epsilonFactor
    updateCount = ids.count
  }

  /// The batch in parts of so many examples; the last may have fewer.
  func parts(of size: Int) -> [TrainingBatch] {
    stride(from: 0, to: ids.count, by: size).map { first in
      var part = TrainingBatch(
        ids: Array(ids[first..<min(first + size, ids.count)]), start: start + first, epoch: epoch, mix: mix, objective: objective,
        epsilonFactor: epsilonFactor)
      part.updateCount = updateCount
      return part
    }
  }
}
