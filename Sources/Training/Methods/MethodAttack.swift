import Attacks
import TensorEngine

/// How a training method attacks.
package struct MethodAttack: Sendable {
  /// What the attack raises.
  package enum Aim: Sendable {
    /// The attack's own loss, of the labels.
    case loss
    /// The divergence of the logits from those of the clean image. At the clean image its gradient is zero, so the attack has to start
    /// elsewhere.
    case divergence
  }

  /// When no other is given.
  package let usual: AttackSettings
  /// Whether the method takes no other attack, only other settings of it.
  package let isOnly: Bool
  package let aim: Aim
  /// Where each example starts; `nil`: where the attack itself would.
  package var start: (@Sendable (Examples) -> Tensor)?

  package init(
    usual: AttackSettings, isOnly: Bool = false, aim: Aim = .loss, start: (@Sendable (Examples) -> Tensor)? = nil
  ) {
    self.usual = usual
    self.isOnly = isOnly
    self.aim = aim
    self.start = start
  }

  /// What an attack of these settings asks of the model for one example, at most.
  package func cost(of attack: AttackSettings) -> AttackCost {
    var cost = attack.cost
    if aim == .divergence { cost.forwardPasses += 1 }
    return cost
  }

  /// The same examples with what the attack needs to know of them.
  func prepared(_ examples: Examples, of classifier: any Classifier) -> Examples {
    var prepared = examples
    if let start { prepared.starts = start(examples) }
    if aim == .divergence {
      prepared.loss = KullbackLeibler()
      classifier.draw(RandomDraw(seed: examples.seed, epoch: examples.epoch, ids: examples.ids, number: 0))
      prepared.referenceLogits = classifier.logits(of: examples.images)
    }
    return prepared
  }
}
