import Attacks
import Foundation
import JSON
import TensorEngine

extension TrainingMethod {
  package static let mart = TrainingMethod(
    name: "mart",
    summary: """
      On adversarial images with a margin, and on how far the attack moves predictions that are wrong or unsure: MART (Wang et al. 2020, \
      ICLR).
      """,
    fields: [
      Field(
        "beta", .number(0...1_000), default: 5.0,
        help: "The weight of the divergence between the predictions of the clean and of the adversarial image (λ of the paper).")
    ],
    attack: MethodAttack(usual: AttackSettings(.pgd, ["steps": 10]), isOnly: true, start: MethodAttack.smallNoise)
  ) { settings in MART(beta: settings["beta"]?.double ?? 5) }
}

/// MART (Wang et al. 2020): −log q_y − log(1.0001 − max_{k≠y} q_k) of the adversarial image's prediction q, and β times
/// KL(p ‖ q) · (1.0000001 − p_y), p the prediction of the clean image. The gradient passes through both. As in the authors' code the divergence
/// takes q + 1e-12 for q, which bounds it.
struct MART: Objective {
  let beta: Double
  let views = [View.clean, .adversarial]

  func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float] {
    examples.labels.enumerated().map { row, label in
      let (p, q) = (LogSoftmax(examples.logits[0][example: row]), LogSoftmax(examples.logits[1][example: row]))
      let boosted = boosted(q, label)
      let weighted = weighted(p, q, label)
      gradients[0][example: row] = weighted.clean.map { Float(beta * $0) }[...]
      gradients[1][example: row] = zip(boosted.gradient, weighted.adversarial).map { Float($0 + beta * $1) }[...]
      return Float(boosted.loss + beta * weighted.loss)
    }
  }

  /// The boosted cross-entropy, and its gradient at the adversarial logits.
  private func boosted(_ q: LogSoftmax, _ label: Int) -> (loss: Double, gradient: [Double]) {
    let probabilities = q.probabilities
    var rival = label == 0 && probabilities.count > 1 ? 1 : 0
    for index in probabilities.indices where index != label && probabilities[index] > probabilities[rival] { rival = index }
    let rest = 1.0001 - probabilities[rival]
    let gradient = probabilities.indices.map { index in
      let margin = probabilities[rival] * ((index == rival ? 1 : 0) - probabilities[index]) / rest
      return probabilities[index] - (index == label ? 1 : 0) + margin
    }
    return (-q.logarithms[label] - log(rest), gradient)
  }

  /// KL(p ‖ q) · (1.0000001 − p_y), and its gradients at both logits.
  private func weighted(_ p: LogSoftmax, _ q: LogSoftmax, _ label: Int) -> (loss: Double, clean: [Double], adversarial: [Double]) {
    let (clean, adversarial) = (p.probabilities, q.probabilities)
    let bounded = adversarial.map { $0 + 1e-12 }
    let differences = zip(p.logarithms, bounded).map { $0 - log($1) }
    let divergence = zip(clean, differences).reduce(0) { $0 + $1.0 * $1.1 }
    let weight = 1.0000001 - clean[label]
    let atClean = clean.indices.map { index in
      let ofWeight = -clean[label] * ((index == label ? 1 : 0) - clean[index])
      return weight * clean[index] * (differences[index] - divergence) + divergence * ofWeight
    }
    let pulls = zip(adversarial, zip(clean, bounded)).map { $0 * $1.0 / $1.1 }
    let pull = pulls.reduce(0, +)
    return (weight * divergence, atClean, zip(adversarial, pulls).map { weight * ($0 * pull - $1) })
  }
}

/// The prediction of one example, in double precision.
private struct LogSoftmax {
  let logarithms: [Double]

  init(_ logits: ArraySlice<Float>) {
    let top = Double(logits.max() ?? 0)
    let sum = logits.reduce(0.0) { $0 + exp(Double($1) - top) }
    logarithms = logits.map { Double($0) - top - log(sum) }
  }

  var probabilities: [Double] { logarithms.map { exp($0) } }
}
