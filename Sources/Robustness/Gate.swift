/// A bound that a model must keep.
package struct Gate: Hashable, Sendable, Codable {
  package enum Metric: String, CaseIterable, Hashable, Sendable, Codable {
    case cleanAccuracy = "clean_accuracy"
    case robustAccuracy = "robust_accuracy"
    /// The lowest robust accuracy of any class.
    case worstClassAccuracy = "worst_class_accuracy"
    /// What was proved, whatever the attacks found: see `Certificate`.
    case certifiedAccuracy = "certified_accuracy"
    /// The median distance to the nearest misclassified image, of the attacks that look for it. An image that is misclassified as it is has
    /// the distance 0, one for which the attack found nothing an infinite one.
    case medianDistance = "median_distance"

    /// Whether it says how the model stands under attack.
    package var isRobust: Bool { self != .cleanAccuracy && self != .certifiedAccuracy }
    package var isAccuracy: Bool { self != .medianDistance }
  }

  package enum Bound: Hashable, Sendable {
    case atLeast(Double)
    case atMost(Double)

    package var value: Double {
      switch self {
      case .atLeast(let value), .atMost(let value): value
      }
    }
  }

  /// What a difference is taken from.
  package enum Reference: String, CaseIterable, Hashable, Sendable, Codable {
    case baseline
  }

  package var metric: Metric
  /// An attack of the evaluation by name (`pgd` means the strongest of that name) or by label (`pgd-40`); `nil` for all attacks together.
  package var attack: String?
  /// The name of a class, to which the gate is confined; `nil` for all examples.
  package var ofClass: String?
  /// Not the figure itself is bounded but its difference from this one's.
  package var against: Reference?
  package var bound: Bound

  package init(metric: Metric, attack: String? = nil, ofClass: String? = nil, against: Reference? = nil, _ bound: Bound) {
    self.metric = metric
    self.attack = attack
    self.ofClass = ofClass
    self.against = against
    self.bound = bound
  }

  package init(metric: Metric, attack: String? = nil, min: Double) { self.init(metric: metric, attack: attack, .atLeast(min)) }

  /// The gate as text: `robust_accuracy (pgd) ≥ 0.6`, `clean_accuracy of class 7 ≥ 0.9`, `robust_accuracy − baseline ≥ -0.01`.
  package var title: String {
    var title = metric.rawValue
    if let attack { title += " (\(attack))" }
    if let ofClass { title += " of class \(ofClass)" }
    if let against { title += " − \(against.rawValue)" }
    return switch bound {
    case .atLeast(let value): "\(title) ≥ \(value)"
    case .atMost(let value): "\(title) ≤ \(value)"
    }
  }

  private enum CodingKeys: String, CodingKey {
    case metric, attack, against, min, max
    case ofClass = "class"
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let bound: Bound =
      if let max = try values.decodeIfPresent(Double.self, forKey: .max) {
        .atMost(max)
      } else {
        .atLeast(try values.decode(Double.self, forKey: .min))
      }
    self.init(
      metric: try values.decode(Metric.self, forKey: .metric), attack: try values.decodeIfPresent(String.self, forKey: .attack),
      ofClass: try values.decodeIfPresent(String.self, forKey: .ofClass),
      against: try values.decodeIfPresent(Reference.self, forKey: .against), bound)
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(metric, forKey: .metric)
    try values.encodeIfPresent(attack, forKey: .attack)
    try values.encodeIfPresent(ofClass, forKey: .ofClass)
    try values.encodeIfPresent(against, forKey: .against)
    switch bound {
    case .atLeast(let value): try values.encode(value, forKey: .min)
    case .atMost(let value): try values.encode(value, forKey: .max)
    }
  }
}
