/// Stochastic gradient descent as in PyTorch's `torch.optim.SGD` with dampening 0:
/// g ← g + λw; b ← μb + g (the first b is g); w ← w − η·b, and with Nesterov's momentum w ← w − η(g + μb).
struct SGD: UpdateRule {
  let momentum: Float
  let weightDecay: Float
  let nesterov: Bool

  init(momentum: Double, weightDecay: Double, nesterov: Bool) {
    self.momentum = Float(momentum)
    self.weightDecay = Float(weightDecay)
    self.nesterov = nesterov
  }

  var slots: Int { momentum == 0 ? 0 : 1 }

  func update(
    _ weights: UnsafeMutablePointer<Float>, count: Int, gradient: UnsafePointer<Float>, memory: [UnsafeMutablePointer<Float>],
    step: Int, learningRate: Double
  ) {
    let rate = Float(learningRate)
    guard let buffer = memory.first else {
      for index in 0..<count { weights[index] -= rate * (gradient[index] + weightDecay * weights[index]) }
      return
    }
    for index in 0..<count {
      let decayed = gradient[index] + weightDecay * weights[index]
      // A buffer of zeros makes the first step's buffer the gradient itself.
      let velocity = momentum * buffer[index] + decayed
      buffer[index] = velocity
      weights[index] -= rate * (nesterov ? decayed + momentum * velocity : velocity)
    }
  }
}
