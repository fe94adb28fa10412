import Attacks
import Robustness

/// An evaluation by hand: 1,000 examples of two classes under FGSM and PGD, and under an attack that carries a verdict, which leaves as many.
///
/// - Parameter strong: whether that third attack ran.
func sampleEvaluation(
  clean: Int = 990, fgsm: Int = 800, pgd: Int = 720, strong: Bool = true, warnings: [Warning] = []
) -> Evaluation {
  func attacked(_ definition: AttackDefinition, _ correct: Int) -> Evaluation.Attacked {
    let settings = AttackSettings(definition)
    return Evaluation.Attacked(
      settings: settings, robustAccuracy: Proportion(correct: correct, total: 1000),
      correctPerClass: [min(correct, 500), max(0, correct - 500)], gradientEvaluations: 1000, forwardPasses: 1000, seconds: 1.5)
  }
  let classes = [("cat", 500, min(pgd, 500)), ("dog", clean - 500, max(0, pgd - 500))].map {
    Evaluation.OfClass(
      name: $0.0, cleanAccuracy: Proportion(correct: $0.1, total: 500), robustAccuracy: Proportion(correct: $0.2, total: 500))
  }
  return Evaluation(
    threat: Threat(norm: .linf, epsilon: 0.15), cleanAccuracy: Proportion(correct: clean, total: 1000),
    attacks: [attacked(.fgsm, fgsm), attacked(.pgd, pgd)] + (strong ? [attacked(.apgdT, pgd)] : []),
    worstCase: Proportion(correct: pgd, total: 1000), perClass: classes,
    worstClass: classes[1], curveAttack: "pgd-40",
    curve: [
      Evaluation.AtEpsilon(epsilon: 0, accuracy: Proportion(correct: clean, total: 1000)),
      Evaluation.AtEpsilon(epsilon: 0.15, accuracy: Proportion(correct: pgd, total: 1000)),
    ], gradientEvaluations: 2000, forwardPasses: 3000, seconds: 4, warnings: warnings)
}
