/// In training, sets each value to zero with probability `rate` and divides the rest by 1 − rate (Srivastava et al. 2014, in the
/// inverted form of PyTorch); otherwise hands its input through.
package struct Dropout: Operation {
  package let label = "dropout"
  package let rate: Float

  package init(rate: Float) { self.rate = rate }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard rate >= 0, rate < 1 else { throw GraphError("dropout needs a rate in [0, 1), not \(rate)") }
    return inputs[0]
  }
}
