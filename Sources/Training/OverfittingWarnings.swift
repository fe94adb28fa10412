import Foundation
import Robustness

/// Overfitting that shows from one epoch to the next.
extension Warning {
  /// Single-step training has learnt to mask its gradients instead of resisting (Wong et al. 2020, arXiv:2001.03994, whose code stops when
  /// the PGD-5 accuracy on a training batch falls by more than 20 points within an epoch).
  ///
  /// - Parameters:
  ///   - before: the probe's accuracy after the epoch before; nil when it was not taken.
  ///   - after: the same after this epoch.
  package static func catastrophicOverfitting(before: Double?, after: Double?) -> Warning? {
    guard let before, let after, before - after > 0.2 else { return nil }
    return Warning(
      code: "catastrophic_overfitting",
      detail: """
        Accuracy under PGD-5 on a fixed set of training images fell from \(percent(before)) to \(percent(after)) within one epoch: the model \
        has learnt to fool the training attack instead of resisting it. Training was stopped, and the checkpoints of the epochs before were \
        kept. Train with random_start, a smaller step_size, or method pgd.
        """)
  }

  /// The robust accuracy has passed its best (Rice et al. 2020, arXiv:2002.11569).
  ///
  /// - Parameter history: the robust accuracy on the validation part after each epoch.
  package static func robustOverfitting(history: [Double]) -> Warning? {
    guard let best = history.max(), let last = history.last, best - last > 0.02 else { return nil }
    return Warning(
      code: "robust_overfitting",
      detail: """
        Validation-robust accuracy was \(percent(best)) at its best and is \(percent(last)) after the last epoch: the model overfits the \
        adversarial examples it trains on. Keep select at best_robust, or train for fewer epochs.
        """)
  }
}

private func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
