import TensorEngine

extension AttackDefinition {
  package static let noise = AttackDefinition(
    name: "noise", summary: "Uniform noise in the ball: the control that every attack must beat.",
    fields: [
      .steps(default: 1, help: "How many points are drawn for each example."),
      .stepSize(help: "Not used.", onlyDefault: "noise takes no steps; leave step_size out"),
      .randomStart(default: true, onlyDefault: "noise is nothing but a random start; leave random_start out"), .restarts,
    ],
    access: .logits, family: .chance, strength: 0
  ) { settings, _, _ in UniformNoise(draws: settings.steps) }
}

/// Uniform noise in the ball: the control that every attack must beat.
package struct UniformNoise: Attack {
  /// How many points it draws for each example; the first that is misclassified is returned, else the last.
  package var draws: Int

  package init(draws: Int = 1) { self.draws = draws }

  package var isRandomised: Bool { true }

  /// The last point of an example is not looked at: whoever asked for it predicts it anyway.
  package var cost: AttackCost { AttackCost(forwardPasses: max(draws, 1) - 1) }

  package func perturb(
    _ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void
  ) rethrows -> Tensor {
    var streams = examples.streams(for: .noise)
    let start = examples.starts ?? threat.uniformPoints(around: examples.images, from: &streams)
    var active = ActiveSet(examples, at: start, state: streams)
    for _ in 1..<max(draws, 1) {
      try control()
      active.release(by: classifier.logits(of: active.iterates, ids: active.ids))
      if active.isEmpty { break }
      active.iterates = threat.uniformPoints(around: active.clean, from: &active.state)
    }
    return active.finished()
  }
}
