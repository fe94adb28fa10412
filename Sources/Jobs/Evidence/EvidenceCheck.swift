import Attacks
import Datasets
import Files
import Foundation
import JSON
import Models
import Robustness
import Synchronization
import TensorEngine

/// An evidence replayed on the weights that it is of: what agrees, and what does not.
package struct EvidenceCheck: Sendable {
  /// An example for which the evidence does not hold.
  package struct Disagreement: Hashable, Sendable {
    /// The index of the example in the test part.
    package let id: Int
    /// The attack that found the image, with the part of a sequence.
    package let attack: String
    /// Clauses about the example.
    package let reasons: [String]
  }

  package let evaluated, correct, withstood: Int
  /// The images of the evidence.
  package let images: Int
  /// Those that are what they are said to be.
  package private(set) var agreeing = 0
  /// Of these, how many are still misclassified when each pixel is rounded to 8 bits.
  package private(set) var survivors = 0
  package internal(set) var disagreements: [Disagreement] = []
  /// What is wrong with the evidence as a whole, as sentences without their end.
  package internal(set) var faults: [String] = []

  package var agrees: Bool { faults.isEmpty && disagreements.isEmpty }

  /// How far an image may lie beyond epsilon: the rounding of `Float`.
  static let tolerance = 1e-6

  /// Replays an evidence.
  ///
  /// - Parameters:
  ///   - model: the safetensors file of the weights.
  ///   - dataset: what the clean images are held against, if anything.
  /// - Throws: `EvidenceError` when the file is no evidence; `StorageError`, `SafetensorsError` and `WeightsError` for the weights.
  package init(_ url: URL, model: URL, dataset: Dataset? = nil, engine: Engine) throws {
    let evidence = try EvidenceFile(url)
    let examples = evidence.examples
    evaluated = examples.evaluatedIDs.count
    correct = examples.clean.count { $0 }
    let robust = examples.withstood.reduce(examples.clean) { zip($0, $1).map { $0 && $1 } }
    withstood = robust.count { $0 }
    images = examples.count
    let weights = try StoredWeights(OpenFile(model))
    guard weights.sha256 == evidence.modelSHA256 else {
      faults.append(
        "these are other weights: the SHA-256 of the model is \(weights.sha256), and the evidence is of \(evidence.modelSHA256)")
      return
    }
    if evidence.examplesSHA256.found != evidence.examplesSHA256.given {
      faults.append(
        "\(Evidence.examples) was changed: its SHA-256 is \(evidence.examplesSHA256.found), not \(evidence.examplesSHA256.given)")
    }
    checkOutcomes(evidence, robust)
    do {
      try replay(evidence, weights.weights, dataset, engine)
    } catch let error as DatasetError {
      // What was replayed of a file that ends or is changed within its images still stands.
      faults.append("\(Evidence.examples), \(error)")
    }
  }

  // MARK: Replay

  /// The bytes of images that are in memory at a time.
  static let pieceBytes = 16 << 20

  private mutating func replay(_ evidence: EvidenceFile, _ weights: Weights, _ dataset: Dataset?, _ engine: Engine) throws {
    let graph = try graph(of: evidence)
    let team = try NetworkTeam(engine: engine, graph: graph, parameters: Parameters(weights, for: graph.layout), width: engine.threads)
    let places = Dictionary(uniqueKeysWithValues: zip(evidence.examples.evaluatedIDs, evidence.examples.evaluatedIDs.indices))
    let source = try dataset.flatMap { try self.source($0, evidence) }
    if let source { try checkEvaluated(evidence, source, team) }
    let shards = max(1, Self.pieceBytes / (graph.inputShape.count * MemoryLayout<Float>.size * team.shardSize))
    try evidence.examples.forEach(team.shardSize * shards) { rows, originals, images in
      let ids = Array(evidence.examples.ids[rows])
      let answers = try [originals, images, images.rounded8Bits].map { try team.predictions(of: $0, ids: ids, seed: evidence.spec.seed) }
      let distances = evidence.threat.distances(of: images, from: originals)
      for (row, example) in rows.enumerated() {
        let claim = Claim(evidence, example, position: places[ids[row]])
        var reasons = claim.faults + claim.faults(taken: answers[0][row], for: answers[1][row])
        reasons += claim.faults(of: images[example: row], originals[example: row], at: distances[row])
        if let source { reasons += try claim.faults(original: originals[example: row], in: source) }
        guard reasons.isEmpty else {
          disagreements.append(Disagreement(id: ids[row], attack: claim.attack, reasons: reasons))
          continue
        }
        agreeing += 1
        if answers[2][row] != claim.label { survivors += 1 }
      }
    }
  }

  private func graph(of evidence: EvidenceFile) throws -> Graph {
    do {
      return try evidence.spec.model.description.graph(input: evidence.dataset.shape, classes: evidence.dataset.classNames.count)
    } catch {
      throw EvidenceError("its spec's network does not take its images: \(error.description)")
    }
  }

  /// The data set, where it is the one that the evidence is of.
  private mutating func source(_ dataset: Dataset, _ evidence: EvidenceFile) throws -> Split? {
    guard dataset.sha256 == evidence.datasetSHA256, dataset.imageShape == evidence.dataset.shape else {
      faults.append("this is other data: its SHA-256 is \(dataset.sha256), and the evidence is of \(evidence.datasetSHA256)")
      return nil
    }
    return dataset.test
  }

  package var json: JSONValue {
    [
      "agrees": .bool(agrees), "evaluated": .int(Int64(evaluated)), "correct": .int(Int64(correct)), "withstood": .int(Int64(withstood)),
      "images": .int(Int64(images)), "agreeing": .int(Int64(agreeing)), "misclassified_at_8_bits": .int(Int64(survivors)),
      "faults": .array(faults.map(JSONValue.string)),
      "disagreements": .array(
        disagreements.map {
          ["id": .int(Int64($0.id)), "attack": .string($0.attack), "reasons": .array($0.reasons.map(JSONValue.string))]
        }),
    ]
  }
}

/// What an evidence says of one image.
private struct Claim {
  let id, label, prediction: Int
  /// With the part of a sequence.
  let attack: String
  private let threat: Threat
  /// What is wrong with it by itself.
  private(set) var faults: [String] = []

  /// - Parameter position: of the example among those evaluated; `nil` when it is none of them.
  init(_ evidence: EvidenceFile, _ row: Int, position: Int?) {
    let examples = evidence.examples
    (id, label, prediction) = (examples.ids[row], examples.labels[row], examples.predictions[row])
    threat = evidence.threat
    let (number, part) = (examples.attacks[row], examples.parts[row])
    let (name, parts) = evidence.attacks[number]
    attack = parts.indices.contains(part) ? "\(name): \(parts[part])" : name
    if !(parts.isEmpty ? part == -1 : parts.indices.contains(part)) { faults.append("the attack \(name) has no part \(part)") }
    guard let position else {
      faults.append("it is none of the examples evaluated")
      return
    }
    if examples.evaluatedLabels[position] != label { faults.append("it has two labels") }
    if !examples.clean[position] { faults.append("it is said to be wrong without any attack") }
    if examples.withstood[number][position] { faults.append("it is said to have withstood the attack") }
    if !examples.withstood[..<number].allSatisfy({ $0[position] }) { faults.append("an earlier attack is said to have felled it") }
    if prediction == label { faults.append("it is said to be taken for its own class") }
  }

  /// - Parameter clean, found: what the network takes the original and the image for.
  func faults(taken clean: Int, for found: Int) -> [String] {
    var faults: [String] = []
    if clean != label { faults.append("the clean image is predicted as \(clean), not as its label \(label)") }
    if found == label {
      faults.append("the image is predicted as its label \(label): it is no adversarial example")
    } else if found != prediction {
      faults.append("the image is predicted as \(found), not as \(prediction)")
    }
    return faults
  }

  func faults(of image: ArraySlice<Float>, _ original: ArraySlice<Float>, at distance: Double) -> [String] {
    // Written so that a NaN is a fault.
    var faults = [("image", image), ("clean image", original)].compactMap { name, pixels -> String? in
      pixels.allSatisfy { $0 >= 0 && $0 <= 1 } ? nil : "a pixel of the \(name) is not in [0, 1]"
    }
    if !(distance <= threat.epsilon + EvidenceCheck.tolerance) {
      faults.append("it lies \(distance) from the clean image in \(threat.norm.rawValue), beyond \(threat.epsilon)")
    }
    return faults
  }

  func faults(original: ArraySlice<Float>, in source: Split) throws -> [String] {
    guard source.labels.indices.contains(id) else { return ["the data have no test image of this index"] }
    let isSame = try source.images(at: [id]).values.elementsEqual(original) && Int(source.labels[id]) == label
    return isSame ? [] : ["the clean image or its label is not that of the data"]
  }
}

extension NetworkTeam {
  /// What the network takes each image for, as an evaluation asks it.
  func predictions(of images: Tensor, ids: [Int], seed: UInt64) throws -> [Int] {
    let size = shardSize
    let answers = Mutex([Int](repeating: 0, count: images.batch))
    try forEachTask((images.batch + size - 1) / size) { shard, classifier in
      let rows = Array(shard * size..<min((shard + 1) * size, images.batch))
      let found = classifier.answers(to: images.gathered(rows), ids: rows.map { ids[$0] }, seed: seed).predictions()
      answers.withLock { answers in for (row, prediction) in zip(rows, found) { answers[row] = prediction } }
    }
    return answers.withLock { $0 }
  }
}

extension Tensor {
  /// As an image file with 8 bits for each pixel gives them back.
  var rounded8Bits: Tensor {
    Tensor(shape, values: values.map { ($0 * 255).rounded(.toNearestOrEven) / 255 })
  }
}
