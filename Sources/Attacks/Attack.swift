import TensorEngine

/// A search for images near the clean ones that a classifier gets wrong.
///
/// One run from one start: restarts, the bound and the final prediction are the `Adversary`'s.
package protocol Attack: Sendable {
  /// Whether a further run with another `round` can find something else.
  var isRandomised: Bool { get }

  /// - Returns: a candidate for each example, same shape as `examples.images`; free of NaN whatever the gradients were.
  func perturb(_ examples: Examples, of classifier: any Classifier, threat: Threat) -> Tensor
}

/// Which iterate an iterative attack returns.
package enum Keep: Hashable, Sendable {
  /// The last one, as Madry's code and torchattacks do: what training wants, for it trains on examples at full strength.
  case last
  /// The first that is misclassified, the last for an example that never is: what evaluation wants. It can only find more than
  /// `last` does, takes nothing extra (the logits come with each gradient), and an example that has fallen costs nothing further.
  case fallen
}
