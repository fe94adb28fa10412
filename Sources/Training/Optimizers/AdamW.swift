/// Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101) as in PyTorch's `torch.optim.AdamW`:
/// w ← w(1 − ηλ) before the step.
struct AdamW: UpdateRule {
  let moments: AdamMoments
  let weightDecay: Double

  init(beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double) {
    moments = AdamMoments(beta1: beta1, beta2: beta2, epsilon: epsilon)
    self.weightDecay = weightDecay
  }

  var slots: Int { 2 }

  func update(
    _ weights: UnsafeMutablePointer<Float>, count: Int, gradient: UnsafePointer<Float>, memory: [UnsafeMutablePointer<Float>],
    step: Int, learningRate: Double
  ) {
    let corrected = moments.corrected(step: step, learningRate: learningRate)
    let kept = Float(1 - learningRate * weightDecay)
    let (first, second) = (memory[0], memory[1])
    for index in 0..<count {
      weights[index] = weights[index] * kept - corrected.change(by: gradient[index], &first[index], &second[index])
    }
  }
}
