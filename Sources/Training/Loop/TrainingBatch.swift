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
  /// How many updates in a row have learnt from it already.
  var replay = 0
  /// The relative size of the perturbation of the weights at which its gradients are taken.
  var weightPerturbation = 0.0
  /// The part of the threat's epsilon within which they are attacked, and by which each length of the attack is scaled.
  var epsilonFactor = 1.0
  /// Where the objective has a view of bounds: the box and what else the loss has.
  var bounds: BoundsTraining.Step?
}
