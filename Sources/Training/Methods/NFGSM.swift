import Attacks
import TensorEngine

extension TrainingMethod {
  package static let nfgsm = TrainingMethod(
    name: "nfgsm",
    summary: """
      On examples of a single step from noise of twice epsilon, which is not projected onto the ball: N-FGSM (de Jorge et al. 2022, \
      arXiv:2202.01181).
      """,
    attack: MethodAttack(usual: .singleStep, isOnly: true, region: .box, start: strongNoise)
  ) { _ in LossOfView(view: .adversarial) }

  /// Uniform in the ball of twice the radius, in the box.
  private static func strongNoise(_ examples: Examples, _ threat: Threat) -> Tensor {
    var streams = examples.streams(for: .attackStart)
    return Threat(norm: threat.norm, epsilon: 2 * threat.epsilon).uniformPoints(around: examples.images, from: &streams)
  }
}
