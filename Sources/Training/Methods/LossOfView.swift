import TensorEngine

/// Cross-entropy on one view: what most methods learn by.
package struct LossOfView: Objective {
  package let view: View

  package var views: [View] { [view] }

  package func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float] {
    examples.crossEntropy(0, gradient: &gradients[0])
  }
}
