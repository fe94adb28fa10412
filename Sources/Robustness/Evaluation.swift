import Attacks

/// The accuracy of a model: clean, under each attack, under all attacks, by class and by epsilon.
package struct Evaluation: Hashable, Sendable, Codable {
  /// The result of one attack.
  package struct Attacked: Hashable, Sendable, Codable {
    package var settings: AttackSettings
    /// A short name that distinguishes two settings of one attack.
    package var label: String
    package var robustAccuracy: Proportion
    /// The number of examples that withstood, by class.
    package var correctPerClass: [Int]
    package var gradientEvaluations: Int
    package var forwardPasses: Int
    package var seconds: Double
    /// Of a minimal-distance attack, in the threat's norm: see `DistanceSummary`.
    package var meanDistance: Double?
    package var medianDistance: Double?
    /// Passes through the network, forward or backward; `nil` in a report of a version that did not say.
    package private(set) var passes: Int?
    /// Of a sequence, its attacks in their order; `nil` for a single attack.
    package var parts: [Part]?
    package var medianDistanceInterval: ConfidenceInterval?

    package init(
      settings: AttackSettings, robustAccuracy: Proportion, correctPerClass: [Int], gradientEvaluations: Int, forwardPasses: Int,
      seconds: Double, distances: DistanceSummary? = nil
    ) {
      self.settings = settings
      label = settings.label
      self.robustAccuracy = robustAccuracy
      self.correctPerClass = correctPerClass
      self.gradientEvaluations = gradientEvaluations
      self.forwardPasses = forwardPasses
      passes = AttackCost(gradientEvaluations: gradientEvaluations, forwardPasses: forwardPasses).passes
      self.seconds = seconds
      meanDistance = distances?.mean
      medianDistance = distances?.median
      medianDistanceInterval = distances?.interval
    }

    private enum CodingKeys: String, CodingKey {
      case label, seconds, passes, parts
      case meanDistance = "mean_distance"
      case medianDistance = "median_distance"
      case medianDistanceInterval = "median_distance_interval"
      case settings = "attack"
      case robustAccuracy = "robust_accuracy"
      case correctPerClass = "correct_per_class"
      case gradientEvaluations = "gradient_evaluations"
      case forwardPasses = "forward_passes"
    }
  }

  /// One attack of a sequence.
  package struct Part: Hashable, Sendable, Codable {
    package var settings: AttackSettings
    package var label: String
    /// What was left correct after it.
    package var robustAccuracy: Proportion
    /// The examples that were correct before it and not after.
    package var fallen: Int
    package var gradientEvaluations: Int
    package var forwardPasses: Int
    package var passes: Int
    package var seconds: Double

    private enum CodingKeys: String, CodingKey {
      case label, fallen, passes, seconds
      case settings = "attack"
      case robustAccuracy = "robust_accuracy"
      case gradientEvaluations = "gradient_evaluations"
      case forwardPasses = "forward_passes"
    }
  }

  /// The result for one class. Robust means under all attacks.
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
    /// At the threat's own epsilon: the accuracy under all attacks.
    package var union: Proportion?

    package init(epsilon: Double, accuracy: Proportion) {
      self.epsilon = epsilon
      self.accuracy = accuracy
    }
  }

  /// The results against a further threat, with the same meanings as those against the job's own.
  package struct UnderThreat: Hashable, Sendable, Codable {
    package var threat: Threat
    package var attacks: [Attacked]
    package var worstCase: Proportion
    package var perClass: [OfClass]
    package var worstClass: OfClass?
    package var warnings: [Warning]

    private enum CodingKeys: String, CodingKey {
      case threat, attacks, warnings
      case worstCase = "worst_case"
      case perClass = "per_class"
      case worstClass = "worst_class"
    }
  }

  /// The same attacks made on the network without its preprocessing, and then shown to the whole.
  package struct Transfer: Hashable, Sendable, Codable {
    package var attacks: [Attacked]
    package var worstCase: Proportion

    /// - Parameter evaluation: by a `TransferTeam`.
    package init(_ evaluation: Evaluation) {
      attacks = evaluation.attacks
      worstCase = evaluation.worstCase
    }

    private enum CodingKeys: String, CodingKey {
      case attacks
      case worstCase = "worst_case"
    }
  }

  package var threat: Threat
  package var cleanAccuracy: Proportion
  package var attacks: [Attacked]
  /// The accuracy under all attacks: an example counts if it withstands every one. Without attacks, the clean accuracy.
  package var worstCase: Proportion
  package var perClass: [OfClass]
  /// The class with the lowest robust accuracy; `nil` without examples.
  package var worstClass: OfClass?
  /// The label of the attack that the curve was measured with; `nil` without a curve.
  package var curveAttack: String?
  package var curve: [AtEpsilon]
  /// The gradient evaluations of the whole evaluation.
  package var gradientEvaluations: Int
  package var forwardPasses: Int
  package var seconds: Double
  package var warnings: [Warning]
  /// The results against further threats; `nil` without any.
  package var threats: [UnderThreat]?
  /// Where there are further threats: the accuracy under all attacks of all threats.
  package var unionOfThreats: Proportion?
  /// Beside attacks that see through the preprocessing: those that do not; `nil` without preprocessing.
  package var transfer: Transfer?
  /// What was proved; `nil` where nothing was asked for.
  package var certificate: Certificate?
  /// `nil` for many classes, and in a report of a version that did not say.
  package var confusion: Confusion?
  /// Of each example; not part of the report.
  package var outcomes: ExampleOutcomes?

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
    case threat, threats, attacks, curve, seconds, warnings, transfer, certificate, confusion
    case cleanAccuracy = "clean_accuracy"
    case unionOfThreats = "union_of_threats"
    case worstCase = "worst_case"
    case perClass = "per_class"
    case worstClass = "worst_class"
    case curveAttack = "curve_attack"
    case gradientEvaluations = "gradient_evaluations"
    case forwardPasses = "forward_passes"
  }

  /// The robust accuracy under the attack with this name or label (the lowest, if there are several), or under all attacks for `nil`.
  /// Returns `nil` when no such attack was run.
  package func robustAccuracy(under attack: String?) -> Proportion? {
    guard let attack else { return attacks.isEmpty ? nil : worstCase }
    return attacked(by: attack)?.robustAccuracy
  }

  /// The label of the attack that decides the robust accuracy under `attack`; for `nil`, the attack with the lowest accuracy.
  package func decisiveAttack(under attack: String?) -> String? {
    guard let attack else { return EvaluationSettings(attacks: attacks.map(\.settings)).strongest?.label }
    return attacked(by: attack)?.label
  }

  func attacked(by name: String) -> Attacked? {
    attacks.filter { $0.label == name || $0.settings.name == name }
      .min { $0.robustAccuracy.correct < $1.robustAccuracy.correct }
  }
}
