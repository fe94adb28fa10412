/// An optimiser, its rate and its constants, with PyTorch's names, meanings and defaults.
package struct OptimizerSettings: Hashable, Sendable {
  package enum Rule: Hashable, Sendable {
    /// Stochastic gradient descent (`torch.optim.SGD`); the weight decay is added to the gradient.
    case sgd(momentum: Double = 0.9, weightDecay: Double = 0.0005, nesterov: Bool = false)
    /// Kingma and Ba 2015, arXiv:1412.6980 (`torch.optim.Adam`); the weight decay is added to the gradient.
    case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0)
    /// Loshchilov and Hutter 2019, arXiv:1711.05101 (`torch.optim.AdamW`); the weight decay shrinks the weights themselves.
    case adamw(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01)
  }

  package var rule: Rule
  /// Before the schedule.
  package var learningRate: Double

  package init(_ rule: Rule = .sgd(), learningRate: Double = 0.1) {
    self.rule = rule
    self.learningRate = learningRate
  }
}
