import Attacks

extension TrainingMethod {
  package static let pgd = TrainingMethod(
    name: "pgd", summary: "On examples of projected gradient descent (Madry et al. 2018, arXiv:1706.06083).",
    attack: MethodAttack(usual: AttackSettings(.pgd, ["steps": 7]))
  ) { _ in LossOfView(view: .adversarial) }
}
