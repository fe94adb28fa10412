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
}

extension TrainingSettings {
  /// In the base stage.
  package var baseCost: TrainingCost { TrainingCost(views: Self.baseObjective.views.count) }

  /// In the retraining.
  package var cost: TrainingCost {
    var cost = TrainingCost(views: objective.views.count)
    // Interval bounds take a pass for the centre and one for the radius.
    if objective.views.contains(.bounds) { cost.passes += 3 }
    guard attacks, let attacked = method.attack?.cost(of: attack) else { return cost }
    cost.gradientEvaluations += adversarialFraction * Double(attacked.gradientEvaluations)
    cost.passes += adversarialFraction * Double(2 * attacked.gradientEvaluations + attacked.forwardPasses)
    return cost
  }
}
