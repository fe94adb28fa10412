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
  private let threats: [Threat]
  private let attacks: [AttackSettings]
  private let curve: [Double]
  private let curveAttack: AttackSettings
  private let seed: UInt64
  private let selfCheck: Bool
  private let certificate: CertificateSettings?
  private let ids: [Int]
  private let labels: [Int]
  private let shardSize: Int
  private let isRandomised: Bool

  init(_ evaluator: Evaluator, _ model: String, _ set: EvaluationSet, _ team: any ClassifierTeam) {
    self.model = model
    threat = evaluator.threat
    threats = evaluator.settings.threats
    attacks = evaluator.settings.attacks
    curve = evaluator.settings.curve
    curveAttack = evaluator.settings.curveAttack
    seed = evaluator.settings.seed
    selfCheck = evaluator.settings.selfCheck
    certificate = evaluator.settings.certificate
    ids = set.ids
    labels = set.labels
    shardSize = team.shardSize
    isRandomised = team.isRandomised
  }

  func digest() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return SHA256Digest.hex(of: try encoder.encode(self))
  }
}
