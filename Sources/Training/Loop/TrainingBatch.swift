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
  /// The epoch that shuffled the order which the batch belongs to, counted from 1: a batch that is replayed is augmented alike each time.
  let order: Int
  /// The part of the threat's epsilon within which they are attacked, and by which each length of the attack is scaled.
  let epsilonFactor: Double
  /// How many updates in a row have learnt from it already.
  let replay: Int
  /// The relative size of the perturbation of the weights at which its gradients are taken.
  let weightPerturbation: Double
  /// Where the objective has a view of bounds: the box and what else the loss has.
  let bounds: BoundsTraining.Step?
  /// The examples of the whole update, where this is a part of its batch, and how many of them come before this part.
  private(set) var updateCount: Int
  private(set) var offset = 0

  init(
    ids: [Int], start: Int, epoch: Int, mix: AdversarialMix?, objective: any Objective, order: Int? = nil, epsilonFactor: Double = 1,
    replay: Int = 0, weightPerturbation: Double = 0, bounds: BoundsTraining.Step? = nil
  ) {
    self.ids = ids
    self.start = start
    self.epoch = epoch
    self.mix = mix
    self.objective = objective
    self.order = order ?? epoch
    self.epsilonFactor = epsilonFactor
    self.replay = replay
    self.weightPerturbation = weightPerturbation
    self.bounds = bounds
    updateCount = ids.count
  }

  /// The batch in parts of so many examples; the last may have fewer.
  func parts(of size: Int) -> [TrainingBatch] {
    stride(from: 0, to: ids.count, by: size).map { first in
      var part = TrainingBatch(
        ids: Array(ids[first..<min(first + size, ids.count)]), start: start + first, epoch: epoch, mix: mix, objective: objective,
        order: order, epsilonFactor: epsilonFactor, replay: replay, weightPerturbation: weightPerturbation, bounds: bounds)
      part.updateCount = updateCount
      part.offset = first
      return part
    }
  }
}
