import Attacks
import TensorEngine

/// What a model answers to the clean images of an evaluation.
package struct CleanOutcomes: Sendable {
  /// For each example, whether it is predicted correctly.
  package var withstood: [Bool] = []
  /// What each is taken for that is not, in their order; −1 where outputs were NaN.
  package var mistakes: [Int] = []
  /// The classes that any example was taken for; −1 where outputs were NaN.
  package var predictedClasses: Set<Int> = []
  /// Examples whose outputs are in [0, 1] and add up to 1.
  package var probabilities = 0
  /// Examples that were predicted twice, and those of them whose outputs differed.
  package var repeated = 0
  package var differing = 0

  package init() {}

  init(_ shards: [ShardRecord]) {
    for shard in shards {
      withstood += shard.withstood
      mistakes += shard.mistakes
      predictedClasses.formUnion(shard.predictedClasses)
      probabilities += shard.probabilities
      repeated += shard.repeated
      differing += shard.differing
    }
  }

  package var count: Int { withstood.count }

  /// So many examples, the first ones, are predicted twice: dropout or noise shows in each of them.
  static let repeatedLimit = 16
}

extension ShardRecord {
  /// The answers of a classifier to clean images.
  ///
  /// - Parameter repeated: so many of the images, the first ones, are predicted twice.
  init(_ examples: Examples, of classifier: any Classifier, repeated: Int) {
    let logits = classifier.answers(to: examples.images, ids: examples.ids, seed: examples.seed)
    let predicted = logits.predictions()
    self.init(withstood: zip(examples.labels, predicted).map { $0 == $1 })
    predictedClasses = Set(predicted).sorted()
    mistakes = zip(predicted, withstood).filter { !$1 }.map(\.0)
    probabilities = predicted.indices.count { Self.areProbabilities(logits[example: $0]) }
    self.repeated = min(repeated, examples.count)
    guard self.repeated > 0 else { return }
    let rows = Array(0..<self.repeated)
    let again = classifier.answers(to: examples.images.gathered(rows), ids: Array(examples.ids[..<self.repeated]), seed: examples.seed)
    differing = rows.count { row in zip(logits[example: row], again[example: row]).contains { Self.differ($0, $1) } }
  }

  private static func areProbabilities(_ outputs: ArraySlice<Float>) -> Bool {
    outputs.count > 1 && outputs.allSatisfy { $0 >= 0 && $0 <= 1 } && abs(outputs.reduce(0, +) - 1) < 1e-4
  }

  /// By more than rounding; NaN is equal to NaN.
  private static func differ(_ one: Float, _ other: Float) -> Bool {
    if one.isNaN || other.isNaN { return one.isNaN != other.isNaN }
    return one != other && abs(one - other) > 1e-5 * max(1, abs(one))
  }
}
