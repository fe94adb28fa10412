import Attacks

/// How a model stands: clean, under each attack, under all of them, by class and by epsilon.
package struct Evaluation: Hashable, Sendable, Codable {
  /// One attack's result.
  package struct Attacked: Hashable, Sendable, Codable {
    package var settings: AttackSettings
    /// A short name that tells two settings of one attack apart.
    package var label: String
    package var robustAccuracy: Proportion
    /// By class: how many examples withstood.
    package var correctPerClass: [Int]
    package var gradientEvaluations: Int
    package var forwardPasses: Int
    package var seconds: Double
    /// In the threat's norm, of the misclassified images that a minimal-distance attack found, however far; `nil` without any.
    package var meanDistance: Double?
    package var medianDistance: Double?

    package init(
      settings: AttackSettings, robustAccuracy: Proportion, correctPerClass: [Int], gradientEvaluations: Int, forwardPasses: Int,
      seconds: Double, distances: [Double] = []
    ) {
      self.settings = settings
      label = settings.label
      self.robustAccuracy = robustAccuracy
      self.correctPerClass = correctPerClass
      self.gradientEvaluations = gradientEvaluations
      self.forwardPasses = forwardPasses
      self.seconds = seconds
      guard !distances.isEmpty else { return }
      let sorted = distances.sorted()
      meanDistance = sorted.reduce(0, +) / Double(sorted.count)
      medianDistance = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    private enum CodingKeys: String, CodingKey {
      case label, seconds
      case meanDistance = "mean_distance"
      case medianDistance = "median_distance"
      case settings = "attack"
      case robustAccuracy = "robust_accuracy"
      case correctPerClass = "correct_per_class"
      case gradientEvaluations = "gradient_evaluations"
      case forwardPasses = "forward_passes"
    }
  }

  /// One class's result; robust means under all attacks.
  package struct OfClass: Hashable, Sendable, Codable {
    package var name: String
    package var cleanAccuracy: Proportion
    package var robustAccuracy: Proportion

    package init(name: String, cleanAccuracy: Proportion, robustAccuracy: Proportion) {
      self.name = name
      self.cleanAccuracy = cleanAccuracy
      self.robustAccuracy = robustAccuracy
    }

    private enum CodingKeys: String, CodingKey {
      case name
      case cleanAccuracy = "clean_accuracy"
      case robustAccuracy = "robust_accuracy"
    }
  }

  /// A point of the curve.
  package struct AtEpsilon: Hashable, Sendable, Codable {
    package var epsilon: Double
    package var accuracy: Proportion

    package init(epsilon: Double, accuracy: Proportion) {
      self.epsilon = epsilon
      self.accuracy = accuracy
    }
  }

  package var threat: Threat
  package var cleanAccuracy: Proportion
  package var attacks: [Attacked]
  /// Under all attacks: an example is robust that withstands every one. Without attacks, the clean accuracy.
  package var worstCase: Proportion
  package var perClass: [OfClass]
  /// The class of the lowest robust accuracy; `nil` without examples.
  package var worstClass: OfClass?
  /// The attack that drew the curve, by label; `nil` without a curve.
  package var curveAttack: String?
  package var curve: [AtEpsilon]
  /// By everything that the evaluation did.
  package var gradientEvaluations: Int
  package var forwardPasses: Int
  package var seconds: Double
  package var warnings: [Warning]

  package init(
    threat: Threat, cleanAccuracy: Proportion, attacks: [Attacked], worstCase: Proportion, perClass: [OfClass], worstClass: OfClass?,
    curveAttack: String?, curve: [AtEpsilon], gradientEvaluations: Int, forwardPasses: Int, seconds: Double, warnings: [Warning]
  ) {
    self.threat = threat
    self.cleanAccuracy = cleanAccuracy
    self.attacks = attacks
    self.worstCase = worstCase
    self.perClass = perClass
    self.worstClass = worstClass
    self.curveAttack = curveAttack
    self.curve = curve
    self.gradientEvaluations = gradientEvaluations
    self.forwardPasses = forwardPasses
    self.seconds = seconds
    self.warnings = warnings
  }

  private enum CodingKeys: String, CodingKey {
    case threat, attacks, curve, seconds, warnings
    case cleanAccuracy = "clean_accuracy"
    case worstCase = "worst_case"
    case perClass = "per_class"
    case worstClass = "worst_class"
    case curveAttack = "curve_attack"
    case gradientEvaluations = "gradient_evaluations"
    case forwardPasses = "forward_passes"
  }

  /// The robust accuracy under the attack of that name or label, the lowest when there are several; under all attacks for `nil`.
  /// `nil` when no such attack was run.
  package func robustAccuracy(under attack: String?) -> Proportion? {
    guard let attack else { return attacks.isEmpty ? nil : worstCase }
    return attacked(by: attack)?.robustAccuracy
  }

  /// The robust accuracy of the class that is worst under that attack, with the same rules.
  package func worstClassAccuracy(under attack: String?) -> Proportion? {
    guard let attack else { return attacks.isEmpty ? nil : worstClass?.robustAccuracy }
    guard let attacked = attacked(by: attack) else { return nil }
    return zip(attacked.correctPerClass, perClass).filter { $1.cleanAccuracy.total > 0 }
      .map { Proportion(correct: $0, total: $1.cleanAccuracy.total) }
      .min { $0.value < $1.value }
  }

  /// The label of the attack on which the robust accuracy under that attack rests; for `nil` that of the strongest one.
  package func decisiveAttack(under attack: String?) -> String? {
    guard let attack else { return EvaluationSettings(attacks: attacks.map(\.settings)).strongest?.label }
    return attacked(by: attack)?.label
  }

  private func attacked(by name: String) -> Attacked? {
    attacks.filter { $0.label == name || $0.settings.name == name }
      .min { $0.robustAccuracy.correct < $1.robustAccuracy.correct }
  }
}
