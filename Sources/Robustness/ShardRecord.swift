import Attacks

/// The results of a finished shard of an evaluation: everything that the report needs, and what identifies the images that were kept.
package struct ShardRecord: Hashable, Sendable {
  /// For each example of the shard, whether it is predicted correctly.
  package var withstood: [Bool]
  /// Counted as in `AttackTrial`.
  package var zeroGradients = 0
  package var brokenGradients = 0
  package var breaches = 0
  package var unrepeatable = 0
  package var cost = AttackCost()
  /// Of clean images: counted as in `CleanOutcomes`.
  package var predictedClasses: [Int] = []
  package var probabilities = 0
  package var repeated = 0
  package var differing = 0
  /// By example, of a minimal-distance attack: how far its misclassified image lies, `nil` where it found none. Empty for other attacks.
  ///
  /// Of smoothing: the radius within which its class is certified, `nil` where that is another class or none.
  package var distances: [Double?] = []
  /// Of smoothing: examples for which no class was certain enough.
  package var abstentions = 0
  /// What each example is taken for that is not predicted correctly, in their order; −1 for an answer with a NaN. Empty where nobody
  /// noted it.
  package var mistakes: [Int] = []
  /// Of the misclassified images that `AdversarialImages` keeps; `nil` where it keeps none of this shard.
  package var images: KeptImages?

  /// Images of some examples of a shard, in their order.
  package struct KeptImages: Hashable, Sendable, Codable {
    /// What each is taken for.
    package var predictions: [Int]
    /// Of their pixels.
    package var sha256: String

    package init(predictions: [Int], sha256: String) {
      self.predictions = predictions
      self.sha256 = sha256
    }
  }

  package init(withstood: [Bool]) { self.withstood = withstood }

  /// The results of an attack on the examples of a shard.
  init(_ result: AttackResult) {
    withstood = result.misclassified.map { !$0 }
    for (row, fault) in result.faults.enumerated() {
      switch fault {
      case .zero where withstood[row]: zeroGradients += 1
      case .notFinite: brokenGradients += 1
      default: break
      }
    }
    breaches = result.breaches.count { $0 }
    unrepeatable = result.unrepeatable.count { $0 }
    mistakes = zip(result.predictions, withstood).filter { !$1 }.map(\.0)
    cost = result.cost
    if result.distances.contains(where: { $0 != nil }) { distances = result.distances }
  }
}

/// A compact form, because a saved evaluation has thousands of records. Outcomes are a string of 0 and 1, and counts of 0 are omitted.
extension ShardRecord: Codable {
  private enum CodingKeys: String, CodingKey {
    case withstood, breaches, unrepeatable, distances, probabilities, repeated, differing, abstentions, mistakes, images
    case predictedClasses = "predicted_classes"
    case zeroGradients = "zero_gradients"
    case brokenGradients = "broken_gradients"
    case gradientEvaluations = "gradient_evaluations"
    case forwardPasses = "forward_passes"
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func count(_ key: CodingKeys) throws -> Int { try values.decodeIfPresent(Int.self, forKey: key) ?? 0 }
    withstood = try values.decode(String.self, forKey: .withstood).utf8.map { $0 == UInt8(ascii: "1") }
    zeroGradients = try count(.zeroGradients)
    brokenGradients = try count(.brokenGradients)
    breaches = try count(.breaches)
    unrepeatable = try count(.unrepeatable)
    predictedClasses = try values.decodeIfPresent([Int].self, forKey: .predictedClasses) ?? []
    probabilities = try count(.probabilities)
    repeated = try count(.repeated)
    differing = try count(.differing)
    abstentions = try count(.abstentions)
    cost = AttackCost(gradientEvaluations: try count(.gradientEvaluations), forwardPasses: try count(.forwardPasses))
    distances = try values.decodeIfPresent([Double?].self, forKey: .distances) ?? []
    mistakes = try values.decodeIfPresent([Int].self, forKey: .mistakes) ?? []
    images = try values.decodeIfPresent(KeptImages.self, forKey: .images)
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(String(decoding: withstood.map { UInt8(ascii: $0 ? "1" : "0") }, as: UTF8.self), forKey: .withstood)
    let counts: [(CodingKeys, Int)] = [
      (.zeroGradients, zeroGradients), (.brokenGradients, brokenGradients), (.breaches, breaches), (.unrepeatable, unrepeatable),
      (.gradientEvaluations, cost.gradientEvaluations), (.forwardPasses, cost.forwardPasses),
      (.probabilities, probabilities), (.repeated, repeated), (.differing, differing), (.abstentions, abstentions),
    ]
    for (key, count) in counts where count != 0 { try values.encode(count, forKey: key) }
    if !predictedClasses.isEmpty { try values.encode(predictedClasses, forKey: .predictedClasses) }
    if !distances.isEmpty { try values.encode(distances, forKey: .distances) }
    if !mistakes.isEmpty { try values.encode(mistakes, forKey: .mistakes) }
    try values.encodeIfPresent(images, forKey: .images)
  }
}
