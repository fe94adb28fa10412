import TensorEngine

/// A difference of logits over another one, with its gradient: what both losses of Croce and Hein 2020 (arXiv:2003.01690) are.
///
/// Neither adding to all logits nor multiplying them changes it, so that no network is safe from its gradient by the scale of its outputs.
struct LogitRatio {
  typealias Term = (label: Int, weight: Double)

  var numerator: [Term]
  /// Empty for a difference that is divided by nothing.
  var denominator: [Term]

  /// Keeps the quotient finite where the divisor's logits are equal, as the authors do.
  private static let least = 1e-12

  /// The ratio of one example's logits.
  ///
  /// - Parameter gradient: that of the ratio is added to it, an entry a class.
  func value(of logits: ArraySlice<Float>, addingGradientTo gradient: inout ArraySlice<Float>) -> Float {
    let (first, start) = (logits.startIndex, gradient.startIndex)
    func sum(_ terms: [Term]) -> Double { terms.reduce(0) { $0 + $1.weight * Double(logits[first + $1.label]) } }
    let above = sum(numerator)
    let below = denominator.isEmpty ? 1 : sum(denominator) + Self.least
    for term in numerator { gradient[start + term.label] += Float(term.weight / below) }
    for term in denominator { gradient[start + term.label] -= Float(term.weight * above / (below * below)) }
    return Float(above / below)
  }
}

extension Tensor {
  /// The classes of an example's largest logits, the largest first and the lower class first among equals.
  func largest(_ count: Int, ofExample row: Int) -> [Int] {
    let logits = self[example: row]
    var largest: [Int] = []
    for index in logits.indices {
      let place = largest.firstIndex { logits[index] > logits[$0] } ?? largest.count
      guard place < count else { continue }
      largest.insert(index, at: place)
      if largest.count > count { largest.removeLast() }
    }
    return largest.map { $0 - logits.startIndex }
  }

  /// A ratio of each example's logits, and the gradient of their sum.
  func ratios(gradient: inout Tensor, _ ratio: (_ row: Int) -> LogitRatio) -> [Float] {
    (0..<batch).map { row in
      var slope = ArraySlice(repeating: Float(0), count: stride)
      defer { gradient[example: row] = slope }
      return ratio(row).value(of: self[example: row], addingGradientTo: &slope)
    }
  }
}
