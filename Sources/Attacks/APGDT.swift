import JSON
import TensorEngine

extension AttackDefinition {
  package static let apgdT = AttackDefinition(
    name: "apgd_t",
    summary: """
      Auto-PGD towards each of the likeliest wrong classes in turn, on the targeted difference of logits ratio (Croce and Hein 2020, \
      arXiv:2003.01690).
      """,
    fields: [
      .steps(default: 100, help: "Gradient steps towards each class."),
      Field(
        "targets", .integer(1...1_000), default: 9,
        help: "How many classes: those that the network ranks next after the true one on the clean image.", label: .named),
      .restarts, .eotSamples,
    ],
    family: .projectedSteps, strength: 50, support: .alone, budget: ["steps", "targets"], allowsReduced: true
  ) { settings, threat, keep in
    TargetedAPGD(steps: settings.steps, targets: settings["targets"]?.integer ?? 9, keep: keep, norm: threat.norm)
  }
}

/// Auto-PGD towards several classes in turn (Croce and Hein 2020, arXiv:2003.01690, section 4.1): those that the network ranks next after the
/// true class on the clean image. An example counts as misclassified whatever class it is taken for.
package struct TargetedAPGD: Attack {
  private let apgd: APGD
  package let targets: Int

  package init(steps: Int, targets: Int, keep: Keep, norm: Norm = .linf) {
    apgd = APGD(steps: steps, keep: keep, loss: TargetedDifferenceOfLogitsRatio(), norm: norm)
    self.targets = targets
  }

  package var isRandomised: Bool { true }

  /// For a network with more classes than targets; one forward pass ranks them.
  package var cost: AttackCost {
    AttackCost(gradientEvaluations: targets * apgd.cost.gradientEvaluations, forwardPasses: targets * apgd.cost.forwardPasses + 1)
  }

  package func perturb(
    _ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void
  ) rethrows -> Tensor {
    try control()
    let ranked = ranking(of: examples, by: classifier)
    var found = examples.images
    var highest = [Float](repeating: -.infinity, count: examples.count)
    var remaining = Array(0..<examples.count)
    for rank in 0..<min(targets, classifier.classes - 1) where !remaining.isEmpty {
      let attacked = examples.gathered(remaining)
      let targetClasses = remaining.map { ranked[$0][rank] }
      let outcome = try apgd.search(
        attacked, from: attacked.streams(for: .attackStart, towards: targetClasses), towards: targetClasses, of: classifier, threat: threat,
        control: control)
      let losses = Dictionary(uniqueKeysWithValues: zip(outcome.remaining, outcome.losses))
      for (position, row) in remaining.enumerated() {
        let loss = losses[position] ?? .infinity
        guard loss > highest[row] else { continue }
        highest[row] = loss
        found[example: row] = outcome.images[example: position]
      }
      remaining = outcome.remaining.map { remaining[$0] }
    }
    return found
  }

  /// The wrong classes of each example, the likeliest first.
  private func ranking(of examples: Examples, by classifier: any Classifier) -> [[Int]] {
    classifier.logits(of: examples.images, ids: examples.ids).otherClasses(than: examples.labels, atMost: targets)
  }
}

extension Examples {
  /// The random numbers of each example on its way to a class: the order in which classes are tried changes nothing.
  fileprivate func streams(for purpose: RandomPurpose, towards classes: [Int]) -> [RandomStream] {
    zip(ids, classes).map { id, label in
      // Restarts count up to 1,000.
      RandomStream(seed: seed, purpose: purpose, epoch: epoch, example: id, round: round + (label + 1) << 10)
    }
  }
}
