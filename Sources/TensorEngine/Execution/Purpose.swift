/// What a graph is compiled for. An attack takes no gradients of weights, training none of the input, inference none at all.
package enum Purpose: Hashable, Sendable {
  /// Logits; dropout hands through, batch norm uses its running statistics.
  case inference
  /// Logits and the gradient at the input; dropout hands through, batch norm uses its running statistics.
  case attack
  /// As `attack`, but batch norm uses the statistics of the batch under attack, and the gradient passes through them.
  case attackOnBatch
  /// Logits with dropout, and the gradients of the weights; batch norm uses the statistics of the batch and updates the running ones.
  case training

  var takesInputGradient: Bool { self == .attack || self == .attackOnBatch }
  var usesBatchStatistics: Bool { self == .attackOnBatch || self == .training }
}
