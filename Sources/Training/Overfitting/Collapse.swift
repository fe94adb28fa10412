/// A collapse of robust accuracy during training, and what the run did about it.
package struct Collapse: Hashable, Sendable {
  /// What the run did.
  package enum Answer: Hashable, Sendable {
    /// It went on from the weights of an earlier epoch.
    case wentBack(to: Int)
    case stopped
    /// Nothing: it was the last epoch.
    case ended
  }

  /// The epoch after which it was found, the second below half of the best.
  package var epoch: Int
  package var best: RobustMeasurement
  package var latest: RobustMeasurement
  /// Whether the readings are of examples that were held out, or of some that are trained on.
  package var isHeldOut: Bool
  package var answer: Answer
  /// Whose readings they are.
  package var weights: CollapseDetector.Weights

  package init(
    epoch: Int, best: RobustMeasurement, latest: RobustMeasurement, isHeldOut: Bool, answer: Answer,
    weights: CollapseDetector.Weights = .raw
  ) {
    self.epoch = epoch
    self.best = best
    self.latest = latest
    self.isHeldOut = isHeldOut
    self.answer = answer
    self.weights = weights
  }
}
