import TensorEngine

/// Several attacks one after the other, each on the examples that those before it left correct.
///
/// For one batch. An evaluation runs the parts itself, each over all of its examples, so that its shards are full.
package struct AttackSequence: Attack {
  package let parts: [AttackSettings]
  package let keep: Keep
  /// Of the threats that it is for.
  package let norm: Norm

  package init(_ parts: [AttackSettings], keep: Keep, norm: Norm = .linf) {
    self.parts = parts
    self.keep = keep
    self.norm = norm
  }

  package var averagesAnswers: Bool { true }

  /// What each run of a part found is predicted.
  package var cost: AttackCost {
    parts.reduce(into: AttackCost()) { total, part in
      total += part.cost(in: norm)
      total.forwardPasses += part.runs
    }
  }

  package func perturb(
    _ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void
  ) rethrows -> Tensor {
    var found = examples.images
    var remaining = Array(0..<examples.count)
    for part in parts where !remaining.isEmpty {
      let result = try part.adversary(for: threat, keep: keep).run(examples.gathered(remaining), of: classifier, control: control)
      for (position, row) in remaining.enumerated() { found[example: row] = result.images[example: position] }
      remaining = zip(remaining, result.misclassified).filter { !$0.1 }.map(\.0)
    }
    return found
  }
}
