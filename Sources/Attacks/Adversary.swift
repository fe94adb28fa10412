import TensorEngine

/// An attack with its bound: whatever the attack returns is projected here, and predicted again here.
package struct Adversary: Sendable {
  package var attack: any Attack
  package var threat: Threat
  /// Runs from different starts; one is enough for an attack that is not random.
  package var restarts: Int

  /// How far, in the threat's norm or outside the box, an attack may err before it counts as a breach: rounding of `Float`.
  package static let tolerance = 1e-6

  package init(attack: any Attack, threat: Threat, restarts: Int = 1) {
    self.attack = attack
    self.threat = threat
    self.restarts = restarts
  }

  /// One run for training: a perturbed image for each example, within ball and box, not predicted again.
  package func perturb(_ examples: Examples, of classifier: any Classifier) -> Tensor {
    var images = attack.perturb(examples, of: classifier, threat: threat)
    threat.project(&images, around: examples.images)
    return images
  }

  /// All runs for evaluation. The best image of each example is kept over the runs: a misclassified one, else that of the highest
  /// cross-entropy; an example that has fallen is not attacked again.
  ///
  /// - Parameters:
  ///   - examples: those that the classifier gets right; `round` and `starts` hold for the first run.
  ///   - checkpoint: called before each run; what it throws ends the attack.
  package func assault(_ examples: Examples, of classifier: any Classifier, checkpoint: () throws -> Void) rethrows -> Assault {
    var assault = Assault(examples)
    var standing = Array(0..<examples.count)
    for run in 0..<(attack.isRandomised ? max(restarts, 1) : 1) where !standing.isEmpty {
      try checkpoint()
      var targets = examples.gathered(standing)
      targets.round += run
      if run > 0 { targets.starts = nil }
      let counter = CountingClassifier(classifier)
      var found = attack.perturb(targets, of: counter, threat: threat)
      let breaches = breaches(in: found, around: targets.images)
      threat.project(&found, around: targets.images)
      let logits = counter.logits(of: found)
      assault.record(found, logits: logits, of: standing, labels: targets.labels, faults: counter.faults, breaches: breaches)
      assault.cost += counter.cost
      standing.removeAll { assault.predictions[$0] != examples.labels[$0] }
    }
    confirm(&assault, of: classifier)
    return assault
  }

  /// The same without interruption.
  package func assault(_ examples: Examples, of classifier: any Classifier) -> Assault { assault(examples, of: classifier, checkpoint: {}) }

  /// Which examples of what an attack returned are outside ball or box, or hold a NaN.
  private func breaches(in images: Tensor, around clean: Tensor) -> [Bool] {
    threat.distances(of: images, from: clean).enumerated().map { row, distance in
      // Written so that a NaN is a breach.
      let inBall = distance <= threat.epsilon + Self.tolerance
      let margin = Float(Self.tolerance)
      return !inBall || !images[example: row].allSatisfy { $0 >= Threat.box.lowerBound - margin && $0 <= Threat.box.upperBound + margin }
    }
  }

  /// Predicts the images that fell once more: a model that now answers otherwise is not a function of its input.
  private func confirm(_ assault: inout Assault, of classifier: any Classifier) {
    let fallen = assault.fallen.indices.filter { assault.fallen[$0] }
    guard !fallen.isEmpty else { return }
    let again = classifier.logits(of: assault.images.gathered(fallen)).predictions()
    assault.cost.forwardPasses += fallen.count
    for (position, row) in fallen.enumerated() { assault.unrepeatable[row] = again[position] != assault.predictions[row] }
  }
}

/// What an adversary achieved against some examples; every array has an entry for each example.
package struct Assault: Sendable {
  private let labels: [Int]
  /// The best found image of each example, within ball and box.
  package private(set) var images: Tensor
  /// What the classifier takes that image for; −1 when its answer holds a NaN.
  package private(set) var predictions: [Int]
  /// The cross-entropy of that image; −∞ where nothing was tried.
  package private(set) var losses: [Float]
  /// What is wrong with the gradient at the start of a run, if anything (the last run in which something was).
  package private(set) var faults: [GradientFault?]
  /// Whether the attack ever returned an image outside ball or box: it was projected, which made the attack weaker than it meant to be.
  package private(set) var breaches: [Bool]
  /// Whether an image that fell was predicted otherwise when predicted again.
  package fileprivate(set) var unrepeatable: [Bool]
  package fileprivate(set) var cost = AttackCost()

  fileprivate init(_ examples: Examples) {
    labels = examples.labels
    images = examples.images
    predictions = examples.labels
    losses = [Float](repeating: -.infinity, count: examples.count)
    faults = [GradientFault?](repeating: nil, count: examples.count)
    breaches = [Bool](repeating: false, count: examples.count)
    unrepeatable = breaches
  }

  /// Which examples the classifier now gets wrong.
  package var fallen: [Bool] { zip(predictions, labels).map { $0 != $1 } }

  fileprivate mutating func record(
    _ found: Tensor, logits: Tensor, of rows: [Int], labels: [Int], faults: [GradientFault?], breaches: [Bool]
  ) {
    let predicted = logits.predictions()
    var slope = Tensor(zeros: logits.shape)
    let reached = CrossEntropy()(logits, labels: labels, gradient: &slope)
    for (position, row) in rows.enumerated() {
      self.breaches[row] = self.breaches[row] || breaches[position]
      if position < faults.count, let fault = faults[position] { self.faults[row] = fault }
      guard predicted[position] != labels[position] || reached[position] > losses[row] else { continue }
      images[example: row] = found[example: position]
      predictions[row] = predicted[position]
      losses[row] = reached[position]
    }
  }
}
