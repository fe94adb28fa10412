import Attacks

/// Accuracy must fall with epsilon (Carlini et al. 2019, arXiv:1902.06705, section 4). These warnings say where it does not.
extension Warning {
  /// Accuracy rises with epsilon, by more than half a point and more than one example.
  ///
  /// - Parameters:
  ///   - points: in ascending order of epsilon.
  ///   - attack: that they were measured with.
  package static func accuracyRises(_ points: [Evaluation.AtEpsilon], by attack: AttackSettings?) -> Warning? {
    for (smaller, larger) in zip(points, points.dropFirst()) {
      let rise = larger.accuracy.correct - smaller.accuracy.correct
      guard rise > max(1, smaller.accuracy.total / 200) else { continue }
      return Warning(
        code: "accuracy_rises_with_epsilon",
        detail: """
          Accuracy rises from \(percent(smaller.accuracy.value)) at epsilon \(smaller.epsilon) to \(percent(larger.accuracy.value)) at \
          \(larger.epsilon): the attack fails at the larger one. \(attack?.adjustable(["steps", "restarts"]).map { "Raise \($0)" } ?? "Use a stronger attack").
          """)
    }
    return nil
  }

  /// Of the curve and of the attacks.
  static func aboveChance(_ facts: EvaluationFacts) -> Warning? {
    let attacked = facts.trials.map { Evaluation.AtEpsilon(epsilon: $0.threat.epsilon, accuracy: $0.accuracy) }
    let largestClass = facts.classes.map(\.cleanAccuracy.total).max() ?? 0
    return aboveChance(facts.points + attacked, norm: facts.threat.norm, largestClass: largestClass)
  }

  /// Accuracy is above chance at an L∞ epsilon of 0.5 or more, where every image can be made plain grey.
  ///
  /// - Parameter largestClass: the number of examples of the most frequent class. Always guessing it is chance level.
  package static func aboveChance(_ points: [Evaluation.AtEpsilon], norm: Norm, largestClass: Int) -> Warning? {
    guard norm == .linf else { return nil }
    let impossible = points.filter { $0.epsilon >= 0.5 && $0.accuracy.correct > largestClass }
    guard let point = impossible.max(by: { $0.accuracy.correct < $1.accuracy.correct }) else { return nil }
    return Warning(
      code: "above_chance_at_large_epsilon",
      detail: """
        Accuracy is \(percent(point.accuracy.value)) at L∞ \(point.epsilon), where every image can be made the same grey: the attack \
        misses adversarial images that exist.
        """)
  }
}
