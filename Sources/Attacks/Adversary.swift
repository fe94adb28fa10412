import TensorEngine

/// An attack with its bound: whatever the attack returns is projected here, and predicted again here.
package struct Adversary: Sendable {
  package var attack: any Attack
  package var threat: Threat
  /// Runs from different starts; one is enough for an attack that is not random.
  package var restarts: Int
  /// What the attack looks for: one that looks for the nearest misclassified image may return one beyond epsilon.
  package var goal: AttackDefinition.Goal
  /// On a network with randomness, the draws whose mean the attack sees as one answer.
  package var eotSamples: Int
  /// Whether an evaluation may run the attack on a copy of the model in reduced precision.
  package var allowsReduced: Bool

  /// How far, in the threat's norm or outside the box, an attack may err before it counts as a breach: rounding of `Float`.
  package static let tolerance = 1e-6

  package init(
    attack: any Attack, threat: Threat, restarts: Int = 1, goal: AttackDefinition.Goal = .bounded, eotSamples: Int = 1,
    allowsReduced: Bool = false
  ) {
    self.attack = attack
    self.threat = threat
    self.restarts = restarts
    self.goal = goal
    self.eotSamples = eotSamples
    self.allowsReduced = allowsReduced
  }

  /// One run for training: a perturbed image for each example, within ball and box, not predicted again.
  ///
  /// - Parameter control: called between iterations; what it throws ends the attack.
  package func perturb(_ examples: Examples, of classifier: any Classifier, control: () throws -> Void) rethrows -> Tensor {
    let seen = seen(classifier, by: examples, confirms: false)
    var images = try attack.perturb(examples, of: seen, threat: threat, control: control)
    threat.project(&images, around: examples.images)
    return images
  }

  /// All runs for evaluation. The best image of each example is kept over the runs: a misclassified one, else that of the highest
  /// cross-entropy; a misclassified example is not attacked again.
  ///
  /// - Parameters:
  ///   - examples: those that the classifier gets right; `round` and `starts` hold for the first run.
  ///   - control: called before each run and between iterations; what it throws ends the attack.
  ///   - passed: told of the passes through the network, as they are made.
  package func run(
    _ examples: Examples, of classifier: any Classifier, control: () throws -> Void, passed: @escaping (Int) -> Void = { _ in }
  ) rethrows -> AttackResult {
    var result = AttackResult(examples)
    var remaining = Array(0..<examples.count)
    for run in 0..<(attack.isRandomised ? max(restarts, 1) : 1) where !remaining.isEmpty {
      try control()
      var attacked = examples.gathered(remaining)
      attacked.round += run
      if run > 0 { attacked.starts = nil }
      let counter = CountingClassifier(classifier, passed: passed)
      var found = try attack.perturb(
        attacked, of: seen(counter, by: attacked, confirms: true), threat: threat, control: control)
      let breaches = breaches(in: found, around: attacked.images)
      if goal == .minimalDistance { result.record(distances: distances(of: found, attacked, breaches, counter), of: remaining) }
      threat.project(&found, around: attacked.images)
      let logits = counter.answers(to: found, ids: attacked.ids, seed: attacked.seed)
      result.record(found, logits: logits, of: remaining, labels: attacked.labels, faults: counter.faults, breaches: breaches)
      result.cost += counter.cost
      remaining.removeAll { result.predictions[$0] != examples.labels[$0] }
    }
    confirm(&result, of: classifier, examples)
    return result
  }

  /// What the attack is to see of a classifier.
  private func seen(_ classifier: any Classifier, by examples: Examples, confirms: Bool) -> any Classifier {
    if confirms, allowsReduced, let reduced = classifier.reduced {
      return ConfirmedClassifier(reduced, exact: classifier, attacking: examples)
    }
    guard classifier.isRandomised, !attack.averagesAnswers else { return classifier }
    return ExpectedClassifier(classifier, attacking: examples, samples: eotSamples, confirms: confirms)
  }

  /// The same without interruption.
  package func perturb(_ examples: Examples, of classifier: any Classifier) -> Tensor { perturb(examples, of: classifier, control: {}) }

  /// The same without interruption.
  package func run(_ examples: Examples, of classifier: any Classifier) -> AttackResult {
    run(examples, of: classifier, control: {})
  }

  /// Which examples of what an attack returned are outside the box, or hold a NaN, or lie outside the ball where it was asked for.
  private func breaches(in images: Tensor, around clean: Tensor) -> [Bool] {
    threat.distances(of: images, from: clean).enumerated().map { row, distance in
      // Written so that a NaN is a breach.
      let inBall = distance <= (goal == .bounded ? threat.epsilon + Self.tolerance : .infinity)
      let margin = Float(Self.tolerance)
      return !inBall || !images[example: row].allSatisfy { $0 >= Threat.box.lowerBound - margin && $0 <= Threat.box.upperBound + margin }
    }
  }

  /// How far each image lies from its clean one, where it is in the box and misclassified: perhaps no longer so once it is projected.
  private func distances(of images: Tensor, _ attacked: Examples, _ breaches: [Bool], _ classifier: any Classifier) -> [Double?] {
    let predicted = classifier.answers(to: images, ids: attacked.ids, seed: attacked.seed).predictions()
    return threat.distances(of: images, from: attacked.images).enumerated().map { row, distance in
      breaches[row] || predicted[row] == attacked.labels[row] ? nil : distance
    }
  }

  /// Predicts the misclassified images once more: a model that now answers otherwise is not a function of its input.
  private func confirm(_ result: inout AttackResult, of classifier: any Classifier, _ examples: Examples) {
    let misclassified = result.misclassified.indices.filter { result.misclassified[$0] }
    guard !misclassified.isEmpty else { return }
    let counter = CountingClassifier(classifier)
    let ids = misclassified.map { examples.ids[$0] }
    let again = counter.answers(to: result.images.gathered(misclassified), ids: ids, seed: examples.seed).predictions()
    result.cost += counter.cost
    for (position, row) in misclassified.enumerated() { result.unrepeatable[row] = again[position] != result.predictions[row] }
  }
}
