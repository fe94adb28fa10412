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
    self.init(own, baseline: other, attacks: final.attacks.map(\.label))
  }

  /// Of outcomes of the same examples under the same attacks.
  ///
  /// - Parameter labels: of the attacks, in order.
  package init(_ final: ExampleOutcomes, baseline: ExampleOutcomes, attacks labels: [String]) {
    cleanAccuracy = PairedDifference(final.clean, baseline: baseline.clean)
    robustAccuracy = PairedDifference(final.robust, baseline: baseline.robust)
    attacks = labels.indices.map { index in
      OfAttack(label: labels[index], robustAccuracy: PairedDifference(final.attacks[index], baseline: baseline.attacks[index]))
    }
  }

  /// The difference under the attack with this label, or under all for `nil`.
  func robustAccuracy(under label: String?) -> PairedDifference? {
    guard let label else { return robustAccuracy }
    return attacks.first { $0.label == label }?.robustAccuracy
  }
}
