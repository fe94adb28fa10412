import Attacks
import Datasets
import Files
import Foundation
import JSON
import Robustness
import TensorEngine

/// Writes the evidence of an evaluation.
struct EvidenceWriter {
  private let spec: JobSpec
  private let dataset: Dataset
  private let modelSHA256: String
  private let attacks: [AttackSettings]
  private let outcomes: ExampleOutcomes
  private let images: AdversarialImages
  /// Of the images that were found: by position in the evaluation, ascending.
  private let found: [(position: Int, image: AdversarialImages.Found)]

  /// - Parameters:
  ///   - modelSHA256: of the file of the weights that were evaluated.
  ///   - attacks: with every setting.
  init(
    spec: JobSpec, dataset: Dataset, modelSHA256: String, attacks: [AttackSettings], outcomes: ExampleOutcomes, images: AdversarialImages
  ) {
    self.spec = spec
    self.dataset = dataset
    self.modelSHA256 = modelSHA256
    self.attacks = attacks
    self.outcomes = outcomes
    self.images = images
    found = images.found.enumerated().compactMap { position, found in found.map { (position, $0) } }
  }

  /// Writes the file so that its name has all of it or nothing.
  ///
  /// - Parameter control: called between pieces of images; what it throws ends the writing.
  func write(to url: URL, control: () throws -> Void) throws {
    // The digest of the examples goes before them, so they are put together twice; that takes no room.
    let digest = SHA256Digest()
    var bytes = 0
    try writeExamples(control) {
      digest.update($0)
      bytes += $0.count
    }
    let sha256 = digest.hexSoFar()
    try AtomicFile.write(to: url) { file in
      let tar = try ArchiveWriter(.tar) { try file.append($0) }
      try tar.add(Evidence.description, Data((description(bytes, sha256).serialised(pretty: true) + "\n").utf8))
      try tar.add(Evidence.examples, bytes: bytes) { try writeExamples(control, to: $0) }
      try tar.finish()
    }
  }

  // MARK: The description

  private func description(_ bytes: Int, _ sha256: String) -> JSONValue {
    let datasetID: JSONValue =
      switch spec.dataset.reference {
      case .id(let id): .string(id)
      case .path: .null
      }
    return [
      "format": .string(Evidence.format), "version": .int(Int64(Evidence.version)), "engine": .string(EngineVersion.description),
      "model": ["architecture": .string(spec.model.description.title), "sha256": .string(modelSHA256)],
      "dataset": [
        "id": datasetID, "name": .string(dataset.name), "sha256": .string(dataset.sha256), "part": "test",
        "shape": .array(dataset.imageShape.dimensions.map { .int(Int64($0)) }),
        "classes": .array(dataset.classNames.map(JSONValue.string)),
      ],
      "threat": ["norm": .string(spec.threat.norm.rawValue), "epsilon": .number(spec.threat.epsilon)],
      "seed": .int(Int64(clamping: spec.seed)), "attacks": Evidence.description(of: attacks, in: spec.threat.norm),
      "examples": [
        "evaluated": .int(Int64(outcomes.ids.count)), "correct": .int(Int64(outcomes.clean.count { $0 })),
        "withstood": .int(Int64(outcomes.robust.count { $0 })), "misclassified": .int(Int64(found.count)),
      ],
      "spec": spec.json,
      "members": [Evidence.examples: ["bytes": .int(Int64(bytes)), "sha256": .string(sha256)]],
    ]
  }

  // MARK: The examples

  private func writeExamples(_ control: () throws -> Void, to write: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
    let positions = found.map(\.position)
    let ids = positions.map { outcomes.ids[$0] }
    let npz = try NPZWriter(to: write)
    try npz.add("evaluated_ids", outcomes.ids)
    try npz.add("evaluated_labels", dataset.test.labels(at: outcomes.ids))
    try npz.add("evaluated_clean", outcomes.clean)
    try npz.add("evaluated_withstood", outcomes.attacks.flatMap { $0 }, dimensions: [outcomes.attacks.count, outcomes.ids.count])
    try npz.add("ids", ids)
    try npz.add("labels", dataset.test.labels(at: ids))
    try npz.add("predictions", found.map(\.image.prediction))
    try npz.add("attacks", found.map(\.image.finder.attack))
    try npz.add("parts", found.map { $0.image.finder.part ?? -1 })
    try add("originals", to: npz, control) { try dataset.test.images(at: ids[$0]) }
    try add("images", to: npz, control) { try images.images(at: Array(positions[$0])) }
    try npz.finish()
  }

  /// The bytes of images that are in memory at a time.
  private static let pieceBytes = 4 << 20

  private func add(_ name: String, to npz: NPZWriter, _ control: () throws -> Void, _ images: (Range<Int>) throws -> Tensor) throws {
    let shape = dataset.imageShape
    let step = max(1, Self.pieceBytes / (shape.count * MemoryLayout<Float>.size))
    try npz.add(name, .float32, [found.count] + shape.dimensions) { write in
      for start in stride(from: 0, to: found.count, by: step) {
        if start > 0 { try control() }
        try images(start..<min(start + step, found.count)).values.withUnsafeBytes(write)
      }
    }
  }
}
