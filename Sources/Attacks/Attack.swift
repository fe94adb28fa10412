import TensorEngine

/// A search for images near the clean ones that a classifier gets wrong.
///
/// One run from one start: restarts, the bound and the final prediction are the `Adversary`'s.
package protocol Attack: Sendable {
  /// Whether a further run with another `round` can find something else.
  var isRandomised: Bool { get }

  /// Whether it averages the answers of a network with randomness itself; any other attack is given them averaged.
  var averagesAnswers: Bool { get }

  /// What one run asks of the model for one example, at most.
  var cost: AttackCost { get }

  /// How far one run can move an image in `norm`, in pixels; `nil` where the attack's steps have no length of their own.
  func reach(in norm: Norm) -> Double?

  /// - Parameter control: called between iterations; what it throws ends the attack and is thrown on.
  /// - Returns: a candidate for each example, same shape as `examples.images`; free of NaN whatever the gradients were.
  func perturb(_ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void) rethrows -> Tensor
}

extension Attack {
  package var isRandomised: Bool { false }
  package var averagesAnswers: Bool { false }

  package func reach(in norm: Norm) -> Double? { nil }

  /// The same without interruption.
  package func perturb(_ examples: Examples, of classifier: any Classifier, threat: Threat) -> Tensor {
    perturb(examples, of: classifier, threat: threat, control: {})
  }
}

/// Which iterate an iterative attack returns.
package enum Keep: Hashable, Sendable {
  /// The last one, as Madry's code and torchattacks do: what training wants, for it trains on examples at full strength.
  case last
  /// The first that is misclassified, the last for an example that never is: what evaluation wants. It can only find more than `last`
  /// does, costs nothing extra (the logits come with each gradient), and a misclassified example costs nothing further.
  case firstMisclassified
}
