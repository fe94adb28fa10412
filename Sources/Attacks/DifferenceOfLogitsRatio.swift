import TensorEngine

/// The difference of logits ratio (Croce and Hein 2020, arXiv:2003.01690, section 4): −(z_y − max z_k≠y) / (z₁ − z₃), z₁ and z₃ the largest
/// logit and the third. Two classes have no third: there it is z_k − z_y, undivided.
package struct DifferenceOfLogitsRatio: Loss {
  package init() {}

  package func callAsFunction(_ logits: Tensor, targets: LossTargets, gradient: inout Tensor) -> [Float] {
    logits.ratios(gradient: &gradient) { row in
      let top = logits.largest(3, ofExample: row)
      let label = targets.labels[row]
      let numerator = top.first { $0 != label }.map { [($0, 1.0), (label, -1.0)] } ?? []
      return LogitRatio(numerator: numerator, denominator: top.count == 3 ? [(top[0], 1), (top[2], -1)] : [])
    }
  }
}
