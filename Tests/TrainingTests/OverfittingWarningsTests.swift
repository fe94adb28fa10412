import Attacks
import Robustness
import Testing
import Training

@Suite("Warnings of overfitting")
struct OverfittingWarningsTests {
  private func detail(
    _ attack: AttackSettings, _ answer: Collapse.Answer = .wentBack(to: 7), isHeldOut: Bool = true, of method: MethodAttack? = nil
  ) -> String {
    let best = RobustMeasurement(accuracy: 0.452, count: 1000, chance: 0.1)
    let collapse = Collapse(
      epoch: 9, best: best, latest: RobustMeasurement(accuracy: 0.012, count: 1000, chance: 0.1), isHeldOut: isHeldOut, answer: answer)
    let warning = Warning.catastrophicOverfitting(collapse, attack: attack, of: method)
    #expect(warning.code == "catastrophic_overfitting")
    return warning.detail
  }

  @Test("a collapse is told with its figures, its epoch and what the run did")
  func collapse() {
    for words in ["45.2 %", "1.2 %", "epoch 9", "epoch 7", "1000 images that were held out"] {
      #expect(detail(AttackSettings(.fgsm)).contains(words))
    }
    #expect(detail(AttackSettings(.fgsm), isHeldOut: false).contains("1000 training images"))
    #expect(detail(AttackSettings(.fgsm), .stopped).contains("was stopped"))
    #expect(detail(AttackSettings(.fgsm), .ended).contains("last epoch"))
  }

  @Test("the advice on a collapse fits the attack")
  func advice() {
    let (plain, random) = (AttackSettings(.fgsm), AttackSettings(.fgsm, ["random_start": true]))
    #expect(detail(plain).contains("random_start"))
    #expect(!detail(random).contains("random_start"))
    #expect(detail(random).contains("several steps"))
    // Where the method chooses the start, nobody else does.
    for method in [TrainingMethod.nfgsm, .free] { #expect(!detail(plain, of: method.attack).contains("random_start")) }
    #expect(detail(plain, of: TrainingMethod.gradalign.attack).contains("random_start"))
    let pgd = detail(AttackSettings(.pgd, ["steps": 7]))
    #expect(pgd.contains("learning_rate") && !pgd.contains("fool") && !pgd.contains("several steps"))
    #expect(Warning.catastrophicOverfittingAgain(attack: plain).detail.contains("random_start"))
  }

  @Test("an end more than 2 points below the best, and more than the sample's noise, is robust overfitting")
  func robust() {
    func warning(_ history: [Double], count: Int) -> Warning? { .robustOverfitting(history: history, count: count, select: .last) }
    // The noise of 0.5 on 100,000 examples is 3 · √(2 · 0.25 / 100,000) = 0.0067, and on 1,000 it is 0.067.
    #expect(warning([0.3, 0.5, 0.47], count: 100_000)?.detail.contains("50.0 %") == true)
    #expect(warning([0.3, 0.5, 0.49], count: 100_000) == nil)
    #expect(warning([0.3, 0.5, 0.47], count: 1000) == nil)
    // PGD on CIFAR-10, as Rice et al. 2020 found it.
    #expect(warning([0.535, 0.456], count: 1000) != nil)
    // Three images of 144.
    #expect(warning([0.6, 0.6 - 3.0 / 144], count: 144) == nil)
    #expect(warning([], count: 1000) == nil)
  }

  @Test("the advice on robust overfitting fits what is selected")
  func selection() {
    func detail(_ select: CheckpointSelection) -> String? {
      Warning.robustOverfitting(history: [0.5, 0.3], count: 1000, select: select)?.detail
    }
    #expect(detail(.last)?.contains("Set training.select to best_robust") == true)
    #expect(detail(.bestRobust)?.contains("The result is the checkpoint of the best epoch") == true)
  }

  @Test("a choice among epochs at chance is told, with advice that fits the method")
  func chance() {
    func warning(_ accuracy: Double, _ isAttacked: Bool) -> Warning? {
      .selectedAtChance(RobustMeasurement(accuracy: accuracy, count: 1000, chance: 0.1), isAttacked: isAttacked)
    }
    // 0.1 + 3 · √(0.09 / 1000) = 0.1285
    #expect(warning(0.13, true) == nil)
    #expect(warning(0.12, true)?.detail.contains("smaller epsilon") == true)
    #expect(warning(0, false)?.detail.contains("best_clean") == true)
  }

  @Test("accuracy under the training attack while PGD leaves no more than chance is catastrophic overfitting, seen in two epochs")
  func fooled() {
    func warning(_ training: [Double], _ robust: [Double]) -> Warning? {
      .catastrophicOverfitting(
        training: training, robust: robust.map { RobustMeasurement(accuracy: $0, count: 400, chance: 0.11) }, attack: AttackSettings(.fgsm))
    }
    // FGSM at 0.3 on 4,000 images of MNIST: from the first epoch on it learns to fool its attack.
    #expect(warning([0.28, 0.44, 0.53, 0.62, 0.77], [0.19, 0.14, 0.07, 0.04, 0.01])?.code == "catastrophic_overfitting")
    // Slow to learn, and fooling nobody.
    #expect(warning([0.11, 0.11, 0.11], [0.02, 0, 0]) == nil)
    #expect(warning([0.28, 0.3], [0.2, 0.21]) == nil)
    // Not in both of the latest two.
    #expect(warning([0.5, 0.5, 0.5], [0, 0.3, 0.01]) == nil)
    #expect(warning([0.5], [0]) == nil)
  }
}
