import Attacks
import TensorEngine

/// A penalty on the gradients of the cross-entropy at images of an example. Weights learn from it through the last of these gradients; the
/// others are taken as fixed.
///
/// The weights' gradient of such a penalty is of second order. `PenaltyWork` says how it is computed.
package protocol GradientPenalty: Sendable {
  /// The images, but for one that the objective learns from too: see `includesFirstView`.
  func images(_ examples: Examples, _ threat: Threat) -> [Tensor]

  /// How many of them there are.
  var imageCount: Int { get }

  /// Whether the last gradient is that at the objective's first view, from which the objective learns by cross-entropy alone.
  var includesFirstView: Bool { get }

  /// The penalty of one example, and its gradient at the last of `gradients`: all zero where it has none.
  ///
  /// - Parameter gradients: of the example's cross-entropy, in the order of the images.
  func callAsFunction(_ gradients: [ArraySlice<Float>]) -> (penalty: Double, slope: [Double])
}

extension GradientPenalty {
  package var includesFirstView: Bool { false }
}

/// The loss of another objective, and a penalty on gradients at images.
struct PenalisedObjective: Objective {
  let loss: any Objective
  let penalty: (any GradientPenalty)?

  var views: [View] { loss.views }

  func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float] {
    loss(examples, state: state, gradients: &gradients)
  }
}
