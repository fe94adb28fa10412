import Attacks
import Datasets
import Files
import Foundation
import JSON
import Robustness
import TensorEngine

/// What a job of kind `generate` leaves: an archive that is a data set in the format `npz`.
///
/// `x_train`, `y_train`, `x_test`, `y_test`: images as float32 in [0, 1] with their true labels, and `x_val`, `y_val` of those training images
/// that the makers of the source set aside. Further, for each of them, `ids_…`: the index of each in its part of the source; and for a part that was attacked `predictions_…`, what its image is taken for (−1 for an answer
/// with a NaN), and `outcomes_…`: 0 for one that withstood (its image is the one of the highest loss), 1 for one that the attack felled, 2
/// for one that is misclassified as it is, and stays as it is; its prediction is then not recorded (−2).
package struct GeneratedImages: Hashable, Sendable {
  package static let fileName = "dataset.npz"
  package static func url(in directory: URL) -> URL { directory.appendingPathComponent(fileName) }

  /// What became of the images of one part.
  package struct Counts: Hashable, Sendable {
    package let part: String
    package let images: Int
    package let withstood, misclassified, wrongBefore: Int

    package var json: JSONValue {
      [
        "part": .string(part), "images": .int(Int64(images)), "withstood": .int(Int64(withstood)),
        "misclassified": .int(Int64(misclassified)), "misclassified_before": .int(Int64(wrongBefore)),
      ]
    }
  }

  /// Of the parts that were attacked.
  package let parts: [Counts]
  package let bytes: Int
  package let sha256: String
}

/// One part of the new data set.
struct GeneratedPartImages {
  let part: GenerationRun.Part
  let split: Split
  /// Of the images, in their part of the source.
  let ids: [Int]
  /// `nil` for a part that was not attacked.
  var images: AdversarialImages?
  /// By position; `nil` for one that is misclassified as it is.
  var found: [AdversarialImages.Found?] = []

  var labels: [Int] { split.labels(at: ids) }
  var predictions: [Int] { found.map { $0?.prediction ?? -2 } }

  /// 0, 1 or 2 for each image: see `GeneratedImages`.
  var outcomes: [Int] {
    zip(found, labels).map { found, label in found.map { $0.prediction == label ? 0 : 1 } ?? 2 }
  }

  var counts: GeneratedImages.Counts {
    let outcomes = outcomes
    func count(_ outcome: Int) -> Int { outcomes.count { $0 == outcome } }
    return GeneratedImages.Counts(
      part: part.rawValue, images: ids.count, withstood: count(0), misclassified: count(1), wrongBefore: count(2))
  }

  /// The images of the new data set at `positions`.
  func tensor(at positions: ArraySlice<Int>) throws -> Tensor {
    var tensor = try split.images(at: positions.map { ids[$0] })
    guard let images else { return tensor }
    let attacked = positions.enumerated().filter { found[$1] != nil }
    let made = try images.images(at: attacked.map(\.element))
    for (row, (place, _)) in attacked.enumerated() { tensor[example: place] = made[example: row] }
    return tensor
  }
}

/// Writes the new data set, and the evidence of how it was made.
struct GeneratedImagesWriter {
  let spec: JobSpec
  let generation: GenerationSection
  let dataset: Dataset
  let modelSHA256: String
  let parts: [GeneratedPartImages]
  static let format = "temper-generated"

  /// - Parameter control: called between pieces of images; what it throws ends the writing.
  func write(in directory: URL, control: () throws -> Void) throws -> GeneratedImages {
    let url = GeneratedImages.url(in: directory)
    let (bytes, sha256) = try AtomicFile.write(to: url) { file in try write(control) { try file.append($0) } }
    let images = GeneratedImages(parts: parts.filter { $0.images != nil }.map(\.counts), bytes: bytes, sha256: sha256)
    try AtomicFile.write(to: Evidence.url(in: directory)) { file in
      let tar = try ArchiveWriter(.tar) { try file.append($0) }
      try tar.add(Evidence.description, Data((description(images).serialised(pretty: true) + "\n").utf8))
      let npz = try OpenFile(url)
      try tar.add(GeneratedImages.fileName, bytes: bytes) { write in try npz.forEachPiece(write) }
      try tar.finish()
    }
    return images
  }

  private func description(_ images: GeneratedImages) -> JSONValue {
    [
      "format": .string(Self.format), "version": 1, "engine": .string(EngineVersion.description),
      "model": ["architecture": .string(spec.model.description.title), "sha256": .string(modelSHA256)],
      "dataset": ["name": .string(dataset.name), "sha256": .string(dataset.sha256)],
      "threat": ["norm": .string(spec.threat.norm.rawValue), "epsilon": .number(spec.threat.epsilon)],
      "seed": .int(Int64(clamping: spec.seed)),
      "attack": ["label": .string(generation.attack.label), "settings": generation.attack.json(for: .evaluation)],
      "parts": .array(images.parts.map(\.json)), "spec": spec.json,
      "members": [
        GeneratedImages.fileName: ["bytes": .int(Int64(images.bytes)), "sha256": .string(images.sha256)]
      ],
    ]
  }

  private func write(_ control: () throws -> Void, to write: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
    let npz = try NPZWriter(to: write)
    for arrays in parts.flatMap(arrays) {
      let (part, name) = (arrays.part, arrays.name)
      func add(_ title: String, _ values: [Int]) throws { try npz.add("\(title)_\(name)", arrays.positions.map { values[$0] }) }
      try add("y", part.labels)
      try npz.add("ids_\(name)", arrays.positions.map { part.ids[$0] - arrays.firstID })
      if part.images != nil {
        try add("predictions", part.predictions)
        try add("outcomes", part.outcomes)
      }
      try addImages(arrays, to: npz, control)
    }
    try npz.finish()
  }

  /// Images of a part that stand under one name.
  private struct Arrays {
    let part: GeneratedPartImages
    let name: String
    let positions: [Int]
    /// The index in the split of the first one of this name.
    var firstID = 0
  }

  /// What the makers of the source set aside stays aside.
  private func arrays(of part: GeneratedPartImages) -> [Arrays] {
    let first = part.part == .train ? dataset.train.count - dataset.givenValidation : part.split.count
    let (given, aside) = (part.ids.indices.filter { part.ids[$0] < first }, part.ids.indices.filter { part.ids[$0] >= first })
    let named = Arrays(part: part, name: part.part.rawValue, positions: given)
    return aside.isEmpty ? [named] : [named, Arrays(part: part, name: "val", positions: aside, firstID: first)]
  }

  /// The bytes of images that are in memory at a time.
  private static let pieceBytes = 4 << 20

  private func addImages(_ arrays: Arrays, to npz: NPZWriter, _ control: () throws -> Void) throws {
    let shape = dataset.imageShape
    let step = max(1, Self.pieceBytes / (shape.count * MemoryLayout<Float>.size))
    let positions = arrays.positions
    try npz.add("x_\(arrays.name)", .float32, [positions.count] + shape.dimensions) { write in
      for start in stride(from: 0, to: positions.count, by: step) {
        if start > 0 { try control() }
        try arrays.part.tensor(at: positions[start..<min(start + step, positions.count)]).values.withUnsafeBytes(write)
      }
    }
  }
}
