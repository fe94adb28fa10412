import Attacks
import JSON
import TensorEngine

extension TrainingMethod {
  package static let inputGradient = TrainingMethod(
    name: "input_gradient",
    summary: """
      On clean images, and on the length of the gradient at each: input gradient regularisation (Ross and Doshi-Velez 2018, \
      arXiv:1711.09404).
      """,
    fields: [
      Field("lambda", .number(0...1_000_000), default: 1.0, help: "The weight of the squared Euclidean length of the gradient.")
    ],
    attack: nil, learnsInSinglePrecision: true
  ) { settings in
    PenalisedObjective(loss: LossOfView(view: .clean), penalty: SquaredGradient(lambda: settings["lambda"]?.double ?? 1))
  }
}

/// λ ‖∇x ℓ(x)‖² (Ross and Doshi-Velez 2018, arXiv:1711.09404).
struct SquaredGradient: GradientPenalty {
  let lambda: Double
  let includesFirstView = true

  var imageCount: Int { 0 }
  func images(_ examples: Examples, _ threat: Threat) -> [Tensor] { [] }

  func callAsFunction(_ gradients: [ArraySlice<Float>]) -> (penalty: Double, slope: [Double]) {
    let gradient = gradients[0].map(Double.init)
    return (lambda * gradient.reduce(0) { $0 + $1 * $1 }, gradient.map { 2 * lambda * $0 })
  }
}
