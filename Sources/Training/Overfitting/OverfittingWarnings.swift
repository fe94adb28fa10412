import Attacks
import Foundation
import Robustness

/// Overfitting that shows from one epoch to the next.
extension Warning {
  /// Robust accuracy has collapsed: see `CollapseDetector`.
  ///
  /// - Parameters:
  ///   - attack: what the run trains on.
  ///   - method: how its method uses that.
  package static func catastrophicOverfitting(_ collapse: Collapse, attack: AttackSettings, of method: MethodAttack? = nil) -> Warning {
    let examples = "\(collapse.latest.count) " + (collapse.isHeldOut ? "images that were held out" : "training images")
    return catastrophicOverfitting(
      """
      Accuracy under PGD on \(examples) was \(percent(collapse.best.accuracy)) at its best and below half of that after two epochs running, \
      \(percent(collapse.latest.accuracy)) after epoch \(collapse.epoch): \(reason(attack)). \(answer(collapse.answer)) \(advice(attack, method))
      """)
  }

  /// It has collapsed again after training had gone back: one sentence, however often it does.
  package static func catastrophicOverfittingAgain(attack: AttackSettings, of method: MethodAttack? = nil) -> Warning {
    catastrophicOverfitting(
      """
      Accuracy under PGD fell below half of its best again after training had gone back to its best weights; the metric collapse marks each \
      epoch in which it was found. The best weights were kept. \(advice(attack, method))
      """)
  }

  /// There was no robustness to collapse: where an epoch has many steps, single-step training learns to fool its attack within the first,
  /// and accuracy under PGD is never seen above chance, while accuracy under the training attack rises.
  ///
  /// - Parameters:
  ///   - training: the accuracy under the training attack in each epoch, on the images trained on.
  ///   - robust: that under PGD after each of the same epochs.
  package static func catastrophicOverfitting(
    training: [Double], robust: [RobustMeasurement], attack: AttackSettings, of method: MethodAttack? = nil
  ) -> Warning? {
    let latest = zip(training, robust).suffix(2)
    let isFooled = latest.allSatisfy { training, robust in
      training > robust.learntBar && robust.accuracy <= robust.chanceBar && robust.accuracy < training / 2
    }
    guard latest.count == 2, isFooled, let (training, robust) = latest.last else { return nil }
    return catastrophicOverfitting(
      """
      In the last two epochs accuracy under the training attack was above chance (\(percent(training)) in the end), while under PGD, on \
      \(robust.count) images, it was no more than chance (\(percent(robust.accuracy)) in the end): \(fooled(attack)). \(advice(attack, method))
      """)
  }

  private static func catastrophicOverfitting(_ detail: String) -> Warning { Warning(code: "catastrophic_overfitting", detail: detail) }

  private static func reason(_ attack: AttackSettings) -> String {
    attack.isSingleStep
      ? "the network has learnt to fool the training attack instead of resisting it"
      : "training has lost the robustness that it had reached"
  }

  private static func fooled(_ attack: AttackSettings) -> String {
    attack.isSingleStep ? reason(attack) : "what the network has learnt does not hold elsewhere"
  }

  private static func answer(_ answer: Collapse.Answer) -> String {
    switch answer {
    case .wentBack(let epoch): "Training went back to the weights of epoch \(epoch), began the optimiser's state anew, and went on."
    case .stopped: "Training was stopped, and the checkpoints of the epochs before were kept."
    case .ended: "It was the last epoch; the checkpoints of the epochs before were kept."
    }
  }

  private static func advice(_ attack: AttackSettings, _ method: MethodAttack?) -> String {
    guard attack.isSingleStep else { return "Train at a lower optimizer.learning_rate." }
    let hasStart = attack.definition.field("random_start").map { $0.onlyDefault == nil } ?? false
    let mayStartAtRandom = hasStart && method?.choosesStart != true
    let start = mayStartAtRandom && !attack.randomStart ? "with attack.random_start, " : ""
    return "Train \(start)at a lower optimizer.learning_rate, or on an attack of several steps such as pgd."
  }

  /// The robust accuracy has passed its best (Rice et al. 2020, arXiv:2002.11569).
  ///
  /// - Parameters:
  ///   - history: the robust accuracy on the validation part after each epoch of adversarial training.
  ///   - count: the examples that it was measured on.
  ///   - select: which checkpoint is the result.
  package static func robustOverfitting(history: [Double], count: Int, select: CheckpointSelection) -> Warning? {
    guard let best = history.max(), let last = history.last else { return nil }
    let noise = RobustMeasurement(accuracy: best, count: count, chance: 0).noise
    guard best - last > max(0.02, noise) else { return nil }
    let advice =
      select == .bestRobust
      ? "The result is the checkpoint of the best epoch; training for fewer epochs would save time."
      : "Set training.select to best_robust, or train for fewer epochs."
    return Warning(
      code: "robust_overfitting",
      detail: """
        Validation-robust accuracy was \(percent(best)) at its best and is \(percent(last)) after the last epoch: the network overfits the \
        adversarial examples it trains on. \(advice)
        """)
  }

  /// `select: best_robust` had nothing to go by.
  ///
  /// - Parameters:
  ///   - robust: of the checkpoint that was chosen, and so of the best.
  ///   - isAttacked: whether the run trains on adversarial examples.
  package static func selectedAtChance(_ robust: RobustMeasurement, isAttacked: Bool) -> Warning? {
    guard robust.accuracy <= robust.chanceBar else { return nil }
    let advice =
      isAttacked
      ? "Train for more epochs, at a lower optimizer.learning_rate, or for a smaller epsilon."
      : "Set training.select to best_clean, or train by a method that attacks."
    return Warning(
      code: "selected_at_chance",
      detail: """
        No epoch's validation-robust accuracy is above chance (\(percent(robust.accuracy)) in the chosen one, where always naming one class \
        gives \(percent(robust.chance)) of \(robust.count) images), so select best_robust chose by the sum of clean and robust accuracy. \
        \(advice)
        """)
  }
}

extension AttackSettings {
  fileprivate var isSingleStep: Bool { cost.gradientEvaluations <= 1 }
}

private func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
