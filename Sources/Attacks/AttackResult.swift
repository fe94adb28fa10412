import TensorEngine

/// What an adversary achieved against some examples; every array has an entry for each example.
package struct AttackResult: Sendable {
  private let labels: [Int]
  /// The best found image of each example, within ball and box.
  package private(set) var images: Tensor
  /// What the classifier takes that image for; −1 when its answer holds a NaN.
  package private(set) var predictions: [Int]
  /// The cross-entropy of that image; −∞ where nothing was tried.
  package private(set) var losses: [Float]
  /// What is wrong with the gradient at the start of a run, if anything (the last run in which something was).
  package private(set) var faults: [GradientFault?]
  /// Whether the attack ever returned an image outside its bound: it was projected, which made the attack weaker than it meant to be.
  package private(set) var breaches: [Bool]
  /// Whether a misclassified image was predicted otherwise when predicted again.
  package internal(set) var unrepeatable: [Bool]
  /// By a minimal-distance attack: how far its misclassified image lay from the clean one, wherever that was; `nil` where it found none.
  package private(set) var distances: [Double?]
  package internal(set) var cost = AttackCost()

  init(_ examples: Examples) {
    labels = examples.labels
    images = examples.images
    predictions = examples.labels
    losses = [Float](repeating: -.infinity, count: examples.count)
    faults = [GradientFault?](repeating: nil, count: examples.count)
    breaches = [Bool](repeating: false, count: examples.count)
    unrepeatable = breaches
    distances = [Double?](repeating: nil, count: examples.count)
  }

  /// Which examples the classifier now gets wrong.
  package var misclassified: [Bool] { zip(predictions, labels).map { $0 != $1 } }

  /// Takes over the images of one run where they are better than what was found before.
  ///
  /// - Parameter rows: the examples that took part in the run; the other arrays have an entry for each of them.
  mutating func record(_ found: Tensor, logits: Tensor, of rows: [Int], labels: [Int], faults: [GradientFault?], breaches: [Bool]) {
    let predicted = logits.predictions()
    var logitGradient = Tensor(zeros: logits.shape)
    let reached = CrossEntropy()(logits, labels: labels, gradient: &logitGradient)
    for (position, row) in rows.enumerated() {
      self.breaches[row] = self.breaches[row] || breaches[position]
      if position < faults.count, let fault = faults[position] { self.faults[row] = fault }
      guard predicted[position] != labels[position] || reached[position] > losses[row] else { continue }
      images[example: row] = found[example: position]
      predictions[row] = predicted[position]
      losses[row] = reached[position]
    }
  }

  /// Takes over the distances of what a run found, misclassified as it was, before it is brought into the ball.
  mutating func record(distances found: [Double?], of rows: [Int]) {
    for (position, row) in rows.enumerated() {
      if let distance = found[position] { distances[row] = min(distance, distances[row] ?? .infinity) }
    }
  }
}
