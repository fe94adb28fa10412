import TensorEngine

/// The targeted difference of logits ratio (Croce and Hein 2020, arXiv:2003.01690, section 4.1): −(z_y − z_t) / (z₁ − ½(z₃ + z₄)), z_t the
/// target's logit and z₁, z₃ and z₄ the largest, the third and the fourth. With fewer than four classes it is z_t − z_y, undivided.
package struct TargetedDifferenceOfLogitsRatio: Loss {
  package init() {}

  package func callAsFunction(_ logits: Tensor, targets: LossTargets, gradient: inout Tensor) -> [Float] {
    guard let targetClasses = targets.targetClasses else { preconditionFailure("a targeted loss needs a target class for each example") }
    return logits.ratios(gradient: &gradient) { row in
      let top = logits.largest(4, ofExample: row)
      return LogitRatio(
        numerator: [(targetClasses[row], 1), (targets.labels[row], -1)],
        denominator: top.count == 4 ? [(top[0], 1), (top[2], -0.5), (top[3], -0.5)] : [])
    }
  }
}
