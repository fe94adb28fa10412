import Attacks
import JSON
import TensorEngine

extension TrainingMethod {
  package static let ibp = TrainingMethod(
    name: "ibp",
    summary: "On interval bounds of the worst case, for certificates: IBP (Gowal et al. 2018, arXiv:1810.12715).",
    fields: [robustWeight(0.7)] + BoundsTraining.fields, attack: nil, bounds: BoundsTraining.init
  ) { settings in BoundedLoss(alpha: 1, robustWeight: settings["robust_weight"]?.double ?? 0.7) }

  package static let mtlIBP = TrainingMethod(
    name: "mtl_ibp",
    summary: "Between adversarial examples and interval bounds: MTL-IBP (De Palma et al. 2024, arXiv:2305.13991).",
    fields: [
      Field("alpha", .number(0...1), default: 0.5, help: "The part of the interval bounds in the robust loss: 1 is `ibp`, 0 is `pgd`."),
      robustWeight(1),
    ] + BoundsTraining.fields,
    attack: MethodAttack(usual: AttackSettings(.pgd, ["steps": 7])), bounds: BoundsTraining.init
  ) { settings in
    BoundedLoss(alpha: settings["alpha"]?.double ?? 0.5, robustWeight: settings["robust_weight"]?.double ?? 1)
  }

  private static func robustWeight(_ usual: Double) -> Field {
    Field(
      "robust_weight", .number(0...1), default: .number(usual),
      help: "The weight of the robust loss; the rest is that of the cross-entropy of the clean image.")
  }
}

/// κ [(1 − α) · CE(adversarial) + α · CE(worst case)] + (1 − κ) · CE(clean), where the worst case is that of the interval bounds.
struct BoundedLoss: Objective {
  let views: [View]
  /// Of each view.
  private let weights: [Float]

  init(alpha: Double, robustWeight: Double) {
    let parts: [(View, Double)] = [(.clean, 1 - robustWeight), (.adversarial, robustWeight * (1 - alpha)), (.bounds, robustWeight * alpha)]
    // Batch norm takes its statistics from images, and so from one view at least; what the bounds weigh nothing need not be computed.
    let used = parts.filter { $0.1 > 0 || ($0.0 == .clean && alpha == 1) }
    views = used.map(\.0)
    weights = used.map { Float($0.1) }
  }

  func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float] {
    var total = [Float](repeating: 0, count: examples.labels.count)
    for (view, weight) in weights.enumerated() {
      // Smoothed labels ask for answers to the other classes too, of which the worst case says nothing.
      let losses =
        views[view] == .bounds
        ? CrossEntropy()(examples.logits[view], labels: examples.labels, gradient: &gradients[view])
        : examples.crossEntropy(view, gradient: &gradients[view])
      for row in total.indices { total[row] += weight * losses[row] }
      for index in gradients[view].values.indices { gradients[view].values[index] *= weight }
    }
    return total
  }
}
