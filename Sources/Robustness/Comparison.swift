/// How the final model differs from the baseline, example by example: both were evaluated on the same images, by the same attacks with the
/// same seeds.
package struct Comparison: Hashable, Sendable, Codable {
  package struct OfAttack: Hashable, Sendable, Codable {
    /// The attack's label.
    package var label: String
    package var robustAccuracy: PairedDifference

    private enum CodingKeys: String, CodingKey {
      case label
      case robustAccuracy = "robust_accuracy"
    }
  }

  package var cleanAccuracy: PairedDifference
  /// Under all attacks together.
  package var robustAccuracy: PairedDifference
  package var attacks: [OfAttack]

  private enum CodingKeys: String, CodingKey {
    case attacks
    case cleanAccuracy = "clean_accuracy"
    case robustAccuracy = "robust_accuracy"
  }

  /// - Returns: `nil` when the two are not of the same examples and attacks.
  package init?(_ final: Evaluation, baseline: Evaluation) {
    guard let (own, other) = final.outcomes.flatMap({ own in baseline.outcomes.map { (own, $0) } }), own.ids == other.ids,
      final.attacks.map(\.settings) == baseline.attacks.map(\.settings), final.threat == baseline.threat
    else { return nil }
    cleanAccuracy = PairedDifference(own.clean, baseline: other.clean)
    robustAccuracy = PairedDifference(own.robust, baseline: other.robust)
    attacks = final.attacks.indices.map { index in
      OfAttack(label: final.attacks[index].label, robustAccuracy: PairedDifference(own.attacks[index], baseline: other.attacks[index]))
    }
  }

  /// The difference under the attack with this label, or under all for `nil`.
  func robustAccuracy(under label: String?) -> PairedDifference? {
    guard let label else { return robustAccuracy }
    return attacks.first { $0.label == label }?.robustAccuracy
  }
}
