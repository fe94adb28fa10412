import Attacks

extension TrainingMethod {
  package static let fgsm = TrainingMethod(
    name: "fgsm",
    summary: """
      On examples of a single step: FGSM (Goodfellow et al. 2015, arXiv:1412.6572); with a random start Fast-AT (Wong et al. 2020, \
      arXiv:2001.03994).
      """,
    // As `train_mnist.py` of github.com/locuslab/fast_adversarial: on images with many black pixels, half of the starts of which the box
    // would bring back to the clean value, the network overfits to the step within a few epochs.
    attack: MethodAttack(usual: .singleStep, isOnly: true, startsBeyondBox: true)
  ) { _ in LossOfView(view: .adversarial) }
}

extension AttackSettings {
  /// What the methods of a single step attack with.
  static let singleStep = AttackSettings(.fgsm)
}
