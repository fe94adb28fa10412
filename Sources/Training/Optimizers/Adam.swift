import Foundation

/// Adam (Kingma and Ba 2015, arXiv:1412.6980) as in PyTorch's `torch.optim.Adam`: the weight decay is added to the gradient.
struct Adam: UpdateRule {
  let moments: AdamMoments
  let weightDecay: Float

  init(beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double) {
    moments = AdamMoments(beta1: beta1, beta2: beta2, epsilon: epsilon)
    self.weightDecay = Float(weightDecay)
  }

  var slots: Int { 2 }

  func update(
    _ weights: UnsafeMutablePointer<Float>, count: Int, gradient: UnsafePointer<Float>, memory: [UnsafeMutablePointer<Float>],
    step: Int, learningRate: Double
  ) {
    let corrected = moments.corrected(step: step, learningRate: learningRate)
    let (first, second) = (memory[0], memory[1])
    for index in 0..<count {
      let decayed = gradient[index] + weightDecay * weights[index]
      weights[index] -= corrected.change(by: decayed, &first[index], &second[index])
    }
  }
}

/// The constants of Adam's running means of the gradient, m, and of its square, v.
struct AdamMoments: Sendable {
  let beta1: Double
  let beta2: Double
  let epsilon: Double

  /// The constants of one step, with the correction of the means' start at zero.
  ///
  /// - Parameter step: counted from 1.
  func corrected(step: Int, learningRate: Double) -> Corrected {
    Corrected(
      gain1: Float(1 - beta1), beta2: Float(beta2), gain2: Float(1 - beta2), epsilon: Float(epsilon),
      rate: Float(learningRate / (1 - pow(beta1, Double(step)))), root: Float((1 - pow(beta2, Double(step))).squareRoot()))
  }

  struct Corrected: Sendable {
    /// 1 − β₁
    let gain1: Float
    let beta2: Float
    /// 1 − β₂, rounded once: for β₂ = 0.999 a difference of `Float`s would be off in the fifth digit.
    let gain2: Float
    let epsilon: Float
    /// η / (1 − β₁ᵗ)
    let rate: Float
    /// √(1 − β₂ᵗ)
    let root: Float

    /// Takes a gradient into the means.
    ///
    /// - Returns: what is to be taken off the weight, η·m̂ / (√v̂ + ε).
    @inline(__always)
    func change(by gradient: Float, _ first: inout Float, _ second: inout Float) -> Float {
      first += (gradient - first) * gain1
      second = beta2 * second + gain2 * gradient * gradient
      return rate * first / (second.squareRoot() / root + epsilon)
    }
  }
}
