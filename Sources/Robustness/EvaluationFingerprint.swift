import Attacks
import Files
import Foundation
import TensorEngine

/// Everything that the results of a shard of an evaluation depend on.
struct EvaluationFingerprint: Encodable {
  /// With another version of the engine an evaluation starts over, so that no figure mixes two versions.
  private let engine = EngineVersion.description
  private let model: String
  private let threat: Threat
  private let attacks: [AttackSettings]
  private let curve: [Double]
  private let seed: UInt64
  private let selfCheck: Bool
  private let ids: [Int]
  private let labels: [Int]
  private let shardSize: Int

  init(_ evaluator: Evaluator, _ model: String, _ set: EvaluationSet, shardSize: Int) {
    self.model = model
    threat = evaluator.threat
    attacks = evaluator.settings.attacks
    curve = evaluator.settings.curve
    seed = evaluator.settings.seed
    selfCheck = evaluator.settings.selfCheck
    ids = set.ids
    labels = set.labels
    self.shardSize = shardSize
  }

  func digest() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return SHA256Digest.hex(of: try encoder.encode(self))
  }
}
