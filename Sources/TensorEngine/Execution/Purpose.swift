/// What a graph is compiled for. An attack takes no gradients of weights, training none of the input, inference none at all.
package enum Purpose: Hashable, Sendable {
  /// Logits; dropout hands through.
  case inference
  /// Logits and the gradient at the input; dropout hands through.
  case attack
  /// Logits with dropout, and the gradients of the weights.
  case training
}
