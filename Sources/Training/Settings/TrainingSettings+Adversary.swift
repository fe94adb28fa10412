import Attacks

extension TrainingSettings {
  /// What a batch is attacked by.
  ///
  /// - Parameter epsilonFactor: the part of the threat's epsilon that the attack has; its lengths in pixels are scaled with it.
  func adversary(for threat: Threat, epsilonFactor: Double) -> Adversary {
    guard epsilonFactor < 1 else { return attack.adversary(for: threat, keep: .last) }
    let smaller = Threat(norm: threat.norm, epsilon: threat.epsilon * epsilonFactor)
    return attack.scaled(from: threat, to: smaller.epsilon).adversary(for: smaller, keep: .last)
  }
}
