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

  /// Where the training examples lie.
  package enum Region: Sendable {
    /// In the ball around the clean image, and in the box.
    case ball
    /// In the box alone: nothing is projected onto the ball.
    case box
  }

  /// When no other is given.
  package let usual: AttackSettings
  /// Whether the method takes no other attack, only other settings of it.
  package let isOnly: Bool
  package var aim: Aim
  package let region: Region
  /// Whether the perturbation is part of the method's state: see `CarriedPerturbation`. The attack's settings say how long a step is.
  package let isCarried: Bool
  /// Whether a random start may lie beyond [0, 1]: in the whole ball around the clean image. The adversarial image is in the box all the same.
  let startsBeyondBox: Bool
  /// Where each example starts; `nil`: where the attack itself would.
  package var start: (@Sendable (Examples, Threat) -> Tensor)?

  package init(
    usual: AttackSettings, isOnly: Bool = false, aim: Aim = .loss, region: Region = .ball, isCarried: Bool = false,
    startsBeyondBox: Bool = false, start: (@Sendable (Examples, Threat) -> Tensor)? = nil
  ) {
    self.usual = usual
    self.isOnly = isOnly
    self.aim = aim
    self.region = region
    self.isCarried = isCarried
    self.startsBeyondBox = startsBeyondBox
    self.start = start
  }

  /// Whether the method chooses the start, and the attack's setting `random_start` has no say.
  package var choosesStart: Bool { isCarried || start != nil }

  /// What an attack of these settings asks of the model for one example, at most.
  package func cost(of attack: AttackSettings) -> AttackCost {
    guard !isCarried else { return AttackCost() }
    var cost = attack.cost
    if aim == .divergence { cost.forwardPasses += 1 }
    return cost
  }

  /// An adversarial image for each example.
  ///
  /// - Parameter control: called between iterations; what it throws ends the attack.
  func perturb(
    _ examples: Examples, by adversary: Adversary, of classifier: any Classifier, control: () throws -> Void
  ) rethrows -> Tensor {
    var adversary = adversary
    let prepared = prepared(examples, adversary, of: classifier)
    if region == .box { adversary.threat.epsilon = .infinity }
    return try adversary.perturb(prepared, of: classifier, control: control)
  }

  /// The same examples with what the attack needs to know of them.
  private func prepared(_ examples: Examples, _ adversary: Adversary, of classifier: any Classifier) -> Examples {
    var prepared = examples
    if let start {
      prepared.starts = start(examples, adversary.threat)
    } else if startsBeyondBox, adversary.attack.isRandomised {
      var streams = examples.streams(for: .attackStart)
      prepared.starts = adversary.threat.scattered(examples.images, from: &streams)
    }
    if aim == .divergence {
      prepared.loss = KullbackLeibler()
      classifier.draw(RandomDraw(seed: examples.seed, epoch: examples.epoch, ids: examples.ids, number: 0))
      prepared.referenceLogits = classifier.logits(of: examples.images)
    }
    return prepared
  }

  /// x + 0.001 · N(0, 1), as in the code of TRADES and of MART.
  static func smallNoise(_ examples: Examples, _ threat: Threat) -> Tensor {
    var streams = examples.streams(for: .attackStart)
    var starts = examples.images
    for row in streams.indices {
      for index in row * starts.stride..<(row + 1) * starts.stride { starts.values[index] += 0.001 * streams[row].normal() }
    }
    return starts
  }
}
