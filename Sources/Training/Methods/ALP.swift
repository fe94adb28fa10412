import Attacks
import JSON
import TensorEngine

extension TrainingMethod {
  package static let alp = TrainingMethod(
    name: "alp",
    summary: """
      On clean and adversarial images alike, and on the distance between the logits of each pair: adversarial logit pairing (Kannan et al. \
      2018, arXiv:1803.06373).
      """,
    fields: [
      Field("lambda", .number(0...1_000), default: 0.5, help: "The weight of the mean squared difference between the logits of each pair.")
    ],
    attack: MethodAttack(usual: AttackSettings(.pgd, ["steps": 10]))
  ) { settings in ALP(lambda: settings["lambda"]?.double ?? 0.5) }
}

/// Adversarial logit pairing (Kannan et al. 2018, arXiv:1803.06373), as in the authors' code: the mean of the cross-entropies of the clean and
/// of the adversarial image, and λ times the mean over classes of (z_clean − z_adversarial)². The gradient passes through both. Their code takes both images in one
/// batch; here batch norm has the statistics of each by itself.
struct ALP: Objective {
  let lambda: Double
  let views = [View.clean, .adversarial]

  func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float] {
    let losses = views.indices.map { CrossEntropy()(examples.logits[$0], labels: examples.labels, gradient: &gradients[$0]) }
    let classes = examples.logits[0].stride
    let weight = Float(lambda) / Float(classes)
    return examples.labels.indices.map { row in
      var squares: Float = 0
      for index in row * classes..<(row + 1) * classes {
        let difference = examples.logits[0].values[index] - examples.logits[1].values[index]
        squares += difference * difference
        gradients[0].values[index] = gradients[0].values[index] / 2 + 2 * weight * difference
        gradients[1].values[index] = gradients[1].values[index] / 2 - 2 * weight * difference
      }
      return (losses[0][row] + losses[1][row]) / 2 + weight * squares
    }
  }
}
