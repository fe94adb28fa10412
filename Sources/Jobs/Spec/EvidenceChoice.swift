import JSON

/// Whether an evaluation keeps its misclassified images, where the spec does not say.
enum EvidenceChoice {
  /// The bytes that an evidence may take unless it is asked for: 1,700 images of 224 × 224 × 3 with their clean ones.
  static let usualBytes = 2 << 30

  /// The document with the choice in it. As long as there are no facts it stays as it is.
  static func completed(_ document: JSONValue, _ spec: JobSpec, _ facts: DatasetFacts?) -> JSONValue {
    guard (document["evaluation"]?["evidence"] ?? .null) == .null, let facts, spec.generation == nil else {
      return document
    }
    let examples = min(spec.evaluation.samples, facts.testCount)
    let bytes = 2 * examples * facts.shape.count * MemoryLayout<Float>.size
    return document.setting("/evaluation/evidence", to: .bool(bytes <= usualBytes))
  }
}
