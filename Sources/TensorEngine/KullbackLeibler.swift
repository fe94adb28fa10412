import Foundation

/// The Kullback–Leibler divergence KL(p ‖ q) = Σ p (log p − log q) of the softmax q of the logits from the softmax p of the reference
/// logits: how far a prediction has moved from that of the clean image.
///
/// It is computed from logarithms throughout, in double precision: a probability that underflows to 0 adds 0. PyTorch's `kl_div` takes the
/// probabilities themselves, and there the target has to be clamped, or its gradient is NaN.
package struct KullbackLeibler: Loss {
  package init() {}

  package func callAsFunction(_ logits: Tensor, targets: LossTargets, gradient: inout Tensor) -> [Float] {
    guard let reference = targets.referenceLogits else { preconditionFailure("a divergence needs logits to compare with") }
    return (0..<logits.batch).map { row in
      let pair = Pair(reference[example: row], logits[example: row])
      gradient.replace(row..<row + 1, with: Tensor([1, logits.stride], values: pair.gradient))
      return Float(pair.divergence)
    }
  }

  /// The divergence of each example, and the gradients of their sum at both logits, `[batch, classes]` each, overwritten.
  package func callAsFunction(
    _ logits: Tensor, from reference: Tensor, gradient: inout Tensor, referenceGradient: inout Tensor
  ) -> [Float] {
    (0..<logits.batch).map { row in
      let pair = Pair(reference[example: row], logits[example: row])
      gradient.replace(row..<row + 1, with: Tensor([1, logits.stride], values: pair.gradient))
      referenceGradient.replace(row..<row + 1, with: Tensor([1, logits.stride], values: pair.referenceGradient))
      return Float(pair.divergence)
    }
  }
}

/// Two predictions of one example.
private struct Pair {
  /// log p and log q
  private let reference, moved: [Double]
  let divergence: Double

  init(_ reference: ArraySlice<Float>, _ moved: ArraySlice<Float>) {
    let (p, q) = (Self.logSoftmax(reference), Self.logSoftmax(moved))
    self.reference = p
    self.moved = q
    divergence = zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
  }

  /// q − p
  var gradient: [Float] { zip(reference, moved).map { Float(exp($1) - exp($0)) } }

  /// p (log p − log q − KL)
  var referenceGradient: [Float] { zip(reference, moved).map { Float(exp($0) * ($0 - $1 - divergence)) } }

  private static func logSoftmax(_ logits: ArraySlice<Float>) -> [Double] {
    let top = Double(logits.max() ?? 0)
    let sum = logits.reduce(0.0) { $0 + exp(Double($1) - top) }
    return logits.map { Double($0) - top - log(sum) }
  }
}
