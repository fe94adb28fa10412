/// How one step changes the weights: the arithmetic of an optimiser, without its storage.
///
/// Every weight changes on its own, so that ranges of weights are updated by several threads in any order.
package protocol UpdateRule: Sendable {
  /// How many numbers it remembers of each weight, all zero at first.
  var slots: Int { get }

  /// Updates `count` weights in place.
  ///
  /// - Parameters:
  ///   - gradient: of the mean loss of the batch.
  ///   - memory: the first of `count` numbers of each slot.
  ///   - step: counted from 1.
  func update(
    _ weights: UnsafeMutablePointer<Float>, count: Int, gradient: UnsafePointer<Float>, memory: [UnsafeMutablePointer<Float>],
    step: Int, learningRate: Double)
}

extension OptimizerSettings {
  package var updateRule: any UpdateRule {
    switch rule {
    case .sgd(let momentum, let weightDecay, let nesterov):
      SGD(momentum: momentum, weightDecay: weightDecay, nesterov: nesterov)
    case .adam(let beta1, let beta2, let epsilon, let weightDecay):
      Adam(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
    case .adamw(let beta1, let beta2, let epsilon, let weightDecay):
      AdamW(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
    }
  }
}
