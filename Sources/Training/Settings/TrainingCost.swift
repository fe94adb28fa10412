import Attacks

/// What one epoch asks of the network for each example.
package struct TrainingCost: Sendable {
  /// Forward passes that are followed by a backward pass.
  package var gradientEvaluations: Double
  /// Passes forward and backward, each as much work as a forward pass: a backward pass to the input counts as one, one to the weights as
  /// well as two.
  package var passes: Double

  fileprivate init(gradientEvaluations: Double, passes: Double) {
    self.gradientEvaluations = gradientEvaluations
    self.passes = passes
  }

  /// Of learning by an objective in a stage of so many epochs.
  fileprivate init(_ objective: any Objective, epochs: Int) {
    let perturbed = (0..<epochs).count { objective.weightPerturbation(after: $0, of: epochs) > 0 }
    // What perturbs the weights is a pass of its own.
    let views = Double(objective.views.count) * (1 + Double(perturbed) / Double(max(epochs, 1)))
    gradientEvaluations = views
    passes = 3 * views
    guard let penalty = objective.penalty else { return }
    gradientEvaluations += Double(penalty.imageCount) + 2
    // With frozen branches the network passes forward twice.
    passes += 3 * Double(penalty.imageCount) + 2 * 4
  }
}

extension TrainingSettings {
  /// In the base stage.
  package var baseCost: TrainingCost { TrainingCost(Self.baseObjective, epochs: baseEpochs) }

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
    let averaged = averageDecay == nil ? 0 : epochs > 0 ? epochsOfMethod : baseEpochs
    let networks = totalEpochs + (baseEpochs == 0 ? 1 : 0) + averaged
    add(heldOut, times: networks)
    add(min(heldOut, Examiner.attackedLimit), times: networks, under: Examiner.validationAttack)
    if attacks { add(min(trained, Examiner.probedCount), times: epochsOfMethod, under: Examiner.probeAttack) }
    return cost
  }

  /// In the retraining.
  package var cost: TrainingCost {
    var cost = TrainingCost(objective, epochs: retrainingEpochs)
    // Interval bounds take a pass for the centre and one for the radius.
    if objective.views.contains(.bounds) { cost.passes += 3 }
    guard attacks, !attacksBase, let attacked = methodAttack?.cost(of: attack) else { return cost }
    cost.gradientEvaluations += adversarialFraction * Double(attacked.gradientEvaluations)
    cost.passes += adversarialFraction * Double(2 * attacked.gradientEvaluations + attacked.forwardPasses)
    return cost
  }

  /// What the adversarial images of the base model ask for, once for each example; nothing where they are not wanted.
  package var baseImageCost: TrainingCost {
    guard attacksBase, let attacked = methodAttack?.cost(of: attack) else { return TrainingCost(gradientEvaluations: 0, passes: 0) }
    return TrainingCost(
      gradientEvaluations: Double(attacked.gradientEvaluations),
      passes: Double(2 * attacked.gradientEvaluations + attacked.forwardPasses))
  }
}
