import Attacks
import JSON
import TensorEngine

extension TrainingMethod {
  package static let trades = TrainingMethod(
    name: "trades",
    summary: "On clean images, and on how far an attack moves their predictions: TRADES (Zhang et al. 2019, arXiv:1901.08573).",
    fields: [
      Field(
        "beta", .number(0...1_000), default: 6.0,
        help: "The weight of the divergence between the predictions of the clean and of the adversarial image (1/λ of the paper).")
    ],
    attack: MethodAttack(usual: AttackSettings(.pgd, ["steps": 10]), isOnly: true, aim: .divergence, start: MethodAttack.smallNoise)
  ) { settings in TRADES(beta: settings["beta"]?.double ?? 6) }
}

/// TRADES (Zhang et al. 2019, arXiv:1901.08573): the cross-entropy of the clean image, and β times the divergence of the prediction of the
/// adversarial image from that of the clean one. The gradient passes through both.
struct TRADES: Objective {
  let beta: Double
  let views = [View.clean, .adversarial]

  func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float] {
    let (clean, adversarial) = (examples.logits[0], examples.logits[1])
    let natural = CrossEntropy()(clean, labels: examples.labels, gradient: &gradients[0])
    var moving = gradients[0]
    let moved = KullbackLeibler()(adversarial, from: clean, gradient: &gradients[1], referenceGradient: &moving)
    let beta = Float(beta)
    for index in moving.values.indices {
      gradients[0].values[index] += beta * moving.values[index]
      gradients[1].values[index] *= beta
    }
    return zip(natural, moved).map { $0 + beta * $1 }
  }
}
