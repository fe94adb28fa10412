import Attacks

/// What one epoch asks of the network for each example.
package struct TrainingCost: Sendable {
  /// Forward passes that are followed by a backward pass.
  package var gradientEvaluations: Double
  /// Passes forward and backward, each as much work as a forward pass: a backward pass to the input counts as one, one to the weights as
  /// well as two.
  package var passes: Double

  /// Of learning from so many views of an example.
  fileprivate init(views: Int) {
    gradientEvaluations = Double(views)
    passes = 3 * Double(views)
  }

  fileprivate init(gradientEvaluations: Double, passes: Double) {
    self.gradientEvaluations = gradientEvaluations
    self.passes = passes
  }
}

extension TrainingSettings {
  /// In the base stage.
  package var baseCost: TrainingCost { TrainingCost(views: Self.baseObjective.views.count) }

  /// Of the measurements after all epochs, at most: see `Examiner`.
  package func measurementCost(heldOut: Int, trained: Int) -> TrainingCost {
    var cost = TrainingCost(gradientEvaluations: 0, passes: 0)
    func add(_ examples: Int, times: Int, under attack: AttackSettings? = nil) {
      let count = Double(examples) * Double(times)
      let attacked = attack?.cost
      cost.gradientEvaluations += count * Double(attacked?.gradientEvaluations ?? 0)
      cost.passes += count * Double(1 + 2 * (attacked?.gradientEvaluations ?? 0) + (attacked?.forwardPasses ?? 0))
    }
    // The networks measured on the examples held out: the first where there is no base stage, each epoch's, and those of averaged weights.
    let averaged = averageDecay == nil ? 0 : epochs > 0 ? epochs : baseEpochs
    let networks = totalEpochs + (baseEpochs == 0 ? 1 : 0) + averaged
    add(heldOut, times: networks)
    add(min(heldOut, Examiner.attackedLimit), times: networks, under: Examiner.validationAttack)
    if attacks { add(min(trained, Examiner.probedCount), times: epochs, under: Examiner.probeAttack) }
    return cost
  }

  /// In the retraining.
  package var cost: TrainingCost {
    var cost = TrainingCost(views: objective.views.count)
    guard attacks, let attacked = method.attack?.cost(of: attack) else { return cost }
    cost.gradientEvaluations += adversarialFraction * Double(attacked.gradientEvaluations)
    cost.passes += adversarialFraction * Double(2 * attacked.gradientEvaluations + attacked.forwardPasses)
    return cost
  }
}
