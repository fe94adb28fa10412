import TensorEngine

/// The slope of λ Σ |w| over the weights of convolutions and linear layers: λ sign(w).
///
/// `@unchecked Sendable`: the weights that it points at do not change while it is used.
struct L1Slope: @unchecked Sendable {
  private let weight: Float
  private let weights: UnsafePointer<Float>
  /// Where the tensors with more than one dimension lie.
  private let ranges: [Range<Int>]

  /// - Parameter weights: all of the layout, valid as long as this is used.
  init(_ weight: Double, _ layout: ParameterLayout, _ weights: UnsafePointer<Float>) {
    self.weight = Float(weight)
    self.weights = weights
    ranges = layout.ids.filter { layout[$0].isTrained && layout[$0].shape.rank > 1 }.map(layout.range)
  }

  /// The penalty itself.
  var penalty: Double {
    ranges.reduce(0.0) { sum, range in range.reduce(sum) { $0 + Double(abs(weights[$1])) } } * Double(weight)
  }

  /// - Parameter gradient: of the first weight of `range`, followed by the others'.
  func add(to gradient: UnsafeMutablePointer<Float>, _ range: Range<Int>) {
    for own in ranges.map({ $0.clamped(to: range) }) {
      for index in own {
        let sign: Float = weights[index] > 0 ? 1 : weights[index] < 0 ? -1 : 0
        gradient[index - range.lowerBound] += weight * sign
      }
    }
  }
}
