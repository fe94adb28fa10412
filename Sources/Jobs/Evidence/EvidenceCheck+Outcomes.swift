import Attacks
import Datasets
import JSON
import TensorEngine

/// What an evidence says of the examples beside their images.
extension EvidenceCheck {
  /// Nothing of it contradicts anything else of it: every example that fell has an image, and no outcome, count or setting is said twice in two
  /// ways.
  mutating func checkOutcomes(_ evidence: EvidenceFile, _ robust: [Bool]) {
    let examples = evidence.examples
    if examples.evaluatedIDs.isEmpty { faults.append("no example was evaluated") }
    let known = Set(examples.ids)
    for (position, id) in examples.evaluatedIDs.enumerated() {
      if examples.clean[position], !robust[position], !known.contains(id) {
        disagree(id, "it is said to have fallen, and has no image")
      }
      if !examples.clean[position], examples.withstood.contains(where: { $0[position] }) {
        disagree(id, "it is said to have withstood an attack, and to be wrong without any")
      }
    }
    let expected: [String: JSONValue] = [
      "examples.evaluated": .int(Int64(evaluated)), "examples.correct": .int(Int64(correct)), "examples.withstood": .int(Int64(withstood)),
      "examples.misclassified": .int(Int64(images)), "seed": .int(Int64(clamping: evidence.spec.seed)),
      "attacks": Evidence.description(of: evidence.spec.evaluation.attacks, in: evidence.threat.norm),
    ]
    for (name, value) in evidence.statements {
      // As text: 1.0 is read back as 1.
      guard let value, value.serialised() != expected[name].flatMap(Self.readBack)?.serialised() else { continue }
      let source = name.hasPrefix("examples.") ? "the arrays of \(Evidence.examples)" : "the spec"
      faults.append("\(name) of \(Evidence.description) is not what \(source) gives")
    }
  }

  /// Whether every example evaluated is one of the data's, with its label, and whether the network takes its clean image for what is said.
  mutating func checkEvaluated(_ evidence: EvidenceFile, _ source: Split, _ team: NetworkTeam) throws {
    let examples = evidence.examples
    let step = max(1, Self.pieceBytes / (team.inputShape.count * MemoryLayout<Float>.size))
    let places = examples.evaluatedIDs.indices.filter { position in
      let isThere = source.labels.indices.contains(examples.evaluatedIDs[position])
      if !isThere { disagree(examples.evaluatedIDs[position], "the data have no test image of this index") }
      return isThere
    }
    for start in stride(from: 0, to: places.count, by: step) {
      let piece = places[start..<min(start + step, places.count)]
      let ids = piece.map { examples.evaluatedIDs[$0] }
      let found = try team.predictions(of: source.images(at: ids), ids: ids, seed: evidence.spec.seed)
      for (position, predicted) in zip(piece, found) {
        let (id, label) = (examples.evaluatedIDs[position], examples.evaluatedLabels[position])
        if Int(source.labels[id]) != label {
          disagree(id, "its label is \(label), and that of the data \(source.labels[id])")
        } else if (predicted == label) != examples.clean[position] {
          disagree(
            id,
            "its clean image is predicted as \(predicted), its label being \(label), and is said to be \(predicted == label ? "wrong" : "right")"
          )
        }
      }
    }
  }

  private static func readBack(_ value: JSONValue) -> JSONValue? { try? JSONValue(parsing: Array(value.serialised().utf8)) }

  private mutating func disagree(_ id: Int, _ reason: String) {
    disagreements.append(Disagreement(id: id, attack: "any", reasons: [reason]))
  }
}
