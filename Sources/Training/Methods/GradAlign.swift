import Attacks
import JSON
import TensorEngine

extension TrainingMethod {
  package static let gradalign = gradAlign { examples, threat in
    var streams = examples.streams(for: .noise)
    return threat.scattered(examples.images, from: &streams)
  }

  /// - Parameter noisy: a point of the ball around each image; it may lie outside the box, as in the authors' code.
  package static func gradAlign(noisy: @escaping @Sendable (Examples, Threat) -> Tensor) -> TrainingMethod {
    TrainingMethod(
      name: "gradalign",
      summary: """
        As fgsm, and on the angle between the gradients at the image and at a point of the ball around it: GradAlign (Andriushchenko and \
        Flammarion 2020, arXiv:2007.02617).
        """,
      fields: [
        Field("lambda", .number(0...1_000), default: 0.2, help: "The weight of 1 − cos of that angle.")
      ],
      attack: MethodAttack(usual: .singleStep, isOnly: true), learnsInSinglePrecision: true
    ) { settings in
      PenalisedObjective(
        loss: LossOfView(view: .adversarial), penalty: GradAlign(lambda: settings["lambda"]?.double ?? 0.2, noisy: noisy))
    }
  }
}

/// λ (1 − cos(∇x ℓ(x), ∇x ℓ(x + η))), η uniform in the ball (Andriushchenko and Flammarion 2020, arXiv:2007.02617). As in the authors' code the
/// gradient at x is taken as fixed, and an example with a gradient of zero has no penalty. Their mean is over the others alone, here it is over all.
struct GradAlign: GradientPenalty {
  let lambda: Double
  let noisy: @Sendable (Examples, Threat) -> Tensor

  var imageCount: Int { 2 }
  func images(_ examples: Examples, _ threat: Threat) -> [Tensor] { [examples.images, noisy(examples, threat)] }

  func callAsFunction(_ gradients: [ArraySlice<Float>]) -> (penalty: Double, slope: [Double]) {
    let (clean, noisy) = (gradients[0].map(Double.init), gradients[1].map(Double.init))
    let lengths = (length(clean), length(noisy))
    guard lengths.0 > 0, lengths.1 > 0 else { return (0, noisy.map { _ in 0 }) }
    let cosine = zip(clean, noisy).reduce(0) { $0 + $1.0 / lengths.0 * ($1.1 / lengths.1) }
    let slope = zip(clean, noisy).map { -lambda * ($0 / lengths.0 - cosine * $1 / lengths.1) / lengths.1 }
    return (lambda * (1 - cosine), slope)
  }

  private func length(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}
