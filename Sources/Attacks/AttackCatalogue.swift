import TensorEngine

/// Every attack by name: the one place that turns settings into an attack.
extension AttackSettings {
  /// The attack of these settings against `threat`, with its defaults filled in.
  package func attack(for threat: Threat, keep: Keep) -> any Attack {
    let size = stepSize(for: threat)
    return switch name {
    case .fgsm: PGD(steps: 1, stepSize: size, randomStart: randomStart, keep: keep)
    case .pgd: PGD(steps: steps, stepSize: size, randomStart: randomStart, keep: keep)
    case .noise: UniformNoise(draws: steps)
    case .adam: AdamOnInput(steps: steps, learningRate: size)
    }
  }

  /// The attack with its bound and its restarts. Training keeps the `last` iterate, evaluation one that has `fallen`.
  package func adversary(for threat: Threat, keep: Keep) -> Adversary {
    Adversary(attack: attack(for: threat, keep: keep), threat: threat, restarts: restarts)
  }

  /// The step in pixels, or Adam's learning rate.
  ///
  /// Defaults: epsilon for `fgsm`, 1.25 epsilon with a random start (Wong et al. 2020); 2.5 epsilon / steps for `pgd` (Madry's rule:
  /// far enough to reach the ball's other side); 0.01 for `adam`. `noise` takes none.
  package func stepSize(for threat: Threat) -> Double {
    if let stepSize { return stepSize }
    return switch name {
    case .fgsm: randomStart ? 1.25 * threat.epsilon : threat.epsilon
    case .pgd: 2.5 * threat.epsilon / Double(max(steps, 1))
    case .adam: 0.01
    case .noise: 0
    }
  }

  /// These settings for another epsilon: a step that was given in pixels grows and shrinks with the ball.
  package func scaled(from threat: Threat, to epsilon: Double) -> AttackSettings {
    guard let stepSize, name != .adam, threat.epsilon > 0 else { return self }
    var scaled = self
    scaled.stepSize = stepSize * epsilon / threat.epsilon
    return scaled
  }

  /// Gradient evaluations that one example costs at most.
  package var gradientEvaluations: Int {
    switch name {
    case .fgsm: randomStart ? restarts : 1
    case .pgd: steps * (randomStart ? restarts : 1)
    case .adam: steps
    case .noise: 0
    }
  }

  /// A short name that tells two settings of one attack apart: `fgsm`, `fgsm-random`, `pgd-40`, `pgd-40x5` (five restarts).
  package var label: String {
    let start = randomStart == Self.defaultRandomStart(name) ? "" : randomStart ? "-random" : "-fixed"
    let count = steps == Self.defaultSteps(name) && steps == 1 ? "" : "-\(steps)"
    return name.rawValue + start + count + (restarts > 1 ? "x\(restarts)" : "")
  }
}
