import JSON

/// What follows from an attack's settings.
extension AttackSettings {
  /// The attack of these settings against `threat`, with its defaults filled in.
  package func attack(for threat: Threat, keep: Keep) -> any Attack { definition.make(self, threat, keep) }

  /// The attack with its bound and its restarts. Training keeps the `last` iterate, evaluation the `firstMisclassified`.
  package func adversary(for threat: Threat, keep: Keep) -> Adversary {
    Adversary(
      attack: attack(for: threat, keep: keep), threat: threat, restarts: restarts, goal: definition.goal, eotSamples: eotSamples,
      allowsReduced: definition.allowsReduced)
  }

  /// The attacks of a sequence against a threat in `norm`, in their order; `nil` for a single attack.
  package func parts(in norm: Norm) -> [AttackSettings]? { definition.parts?(self, norm) }

  /// With the values that follow from the network where none was given.
  package func completed(forRandomised isRandomised: Bool) -> AttackSettings {
    var completed = self
    for (name, value) in definition.following(isRandomised) where self[name] == nil { completed[name] = value }
    return completed
  }

  /// How often the attack runs: an attack without randomness runs once whatever its restarts.
  package var runs: Int { anyAttack.isRandomised ? max(restarts, 1) : 1 }

  /// What all runs ask of the model for one example at most, without the prediction of each run's result.
  package func cost(in norm: Norm) -> AttackCost {
    let single = attack(for: Threat(norm: norm, epsilon: 1), keep: .last).cost
    // On a network without randomness only one sample is taken.
    let gradients = single.gradientEvaluations * eotSamples
    // What looks for the nearest image is predicted before it is projected, too.
    let unprojected = definition.goal == .minimalDistance ? 1 : 0
    return AttackCost(
      gradientEvaluations: gradients * runs, forwardPasses: (single.forwardPasses + unprojected) * runs)
  }

  /// In the first norm that it can be used in; in others it differs little.
  package var cost: AttackCost { cost(in: usualNorm) }

  /// Against whatever threat: it does not change an attack's randomness.
  private var anyAttack: any Attack { attack(for: Threat(norm: usualNorm, epsilon: 1), keep: .last) }

  private var usualNorm: Norm { definition.norms.first ?? .linf }

  /// These settings for another epsilon: lengths in pixels grow and shrink with the ball.
  package func scaled(from threat: Threat, to epsilon: Double) -> AttackSettings {
    guard threat.epsilon > 0 else { return self }
    var scaled = self
    for field in definition.fields where field.unit == .pixels {
      if let length = self[field.name]?.double { scaled[field.name] = .number(length * epsilon / threat.epsilon) }
    }
    return scaled
  }

  /// These settings against another threat. Lengths in pixels are those of the threat's own norm: in another they are the defaults.
  package func adapted(from threat: Threat, to other: Threat) -> AttackSettings {
    guard other.norm != threat.norm else { return scaled(from: threat, to: other.epsilon) }
    var adapted = self
    for field in definition.fields where field.unit == .pixels { adapted[field.name] = nil }
    return adapted
  }

  /// A short name that tells two settings of one attack apart: `fgsm`, `fgsm-random`, `pgd-40`, `pgd-40x5` (five restarts).
  package var label: String {
    let parts = definition.fields.compactMap { field in self[field.name].flatMap(field.labelPart) }
    return name + parts.sorted { $0.order < $1.order }.map(\.text).joined()
  }
}

extension Field {
  /// How `value` appears in a label, and where: flags first, then counts, other values, and restarts; `nil` when it does not.
  fileprivate func labelPart(_ value: JSONValue) -> (order: Int, text: String)? {
    switch label {
    case .hidden: nil
    case .flag(let on, let off): value == self.default ? nil : (0, "-" + (value == true ? on : off))
    case .count: value == self.default && value == 1 ? nil : (1, "-" + value.serialised())
    case .named: value == self.default ? nil : (2, "-" + name + value.serialised())
    case .times: value == 1 ? nil : (3, "x" + value.serialised())
    }
  }
}
