import Datasets
import Files
import Foundation
import JSON
import Robustness

extension ExampleSheet {
  /// How many of the first images of an evidence are looked at: files may hold gigabytes of them.
  private static let window = 48

  /// A few images of an evidence, of as many classes as there are among its first ones; nothing is unpacked.
  ///
  /// - Parameter evidence: a file that this service wrote.
  package init(evidence file: OpenFile) throws {
    let evidence = try StoredEvidence(file)
    let (description, npz) = (evidence.description, evidence.examples)
    let classes = Self.texts(description["dataset"]?["classes"])
    let attacks = evidence.attacks
    let shape = Self.elements(description["dataset"]?["shape"]).compactMap(\.integer)
    func name(_ label: Int) -> String { classes.indices.contains(label) ? classes[label] : "no class" }
    func column(_ name: String) throws -> [Int] { try NPZArray(name, in: npz).integers() }
    let (labels, predictions, finders) = (try column("labels"), try column("predictions"), try column("attacks"))
    guard predictions.count == labels.count, finders.count == labels.count else {
      throw EvidenceError("the columns of \(Evidence.examples) are not of one length")
    }
    let rows = Self.chosen(labels.prefix(Self.window))
    let size = shape.reduce(1, *)
    let clean = try Self.images("originals", npz, rows, size), adversarial = try Self.images("images", npz, rows, size)
    self.init(
      shape: shape,
      examples: rows.indices.map { index in
        let row = rows[index]
        return Example(
          clean: clean[index], adversarial: adversarial[index], trueClass: name(labels[row]), predictedClass: name(predictions[row]),
          attack: attacks.indices.contains(finders[row]) ? attacks[finders[row]] : "an attack")
      })
  }

  /// The first of each class, then the second of each, in the order of the file.
  private static func chosen(_ labels: ArraySlice<Int>) -> [Int] {
    var seen: [Int: Int] = [:]
    let ranked = labels.indices.map { row -> (rank: Int, row: Int) in
      defer { seen[labels[row], default: 0] += 1 }
      return (seen[labels[row], default: 0], row)
    }
    return ranked.sorted { $0 < $1 }.prefix(mostExamples).map(\.row).sorted()
  }

  /// The images at `rows`, which rise.
  private static func images(_ name: String, _ npz: OpenFile, _ rows: [Int], _ size: Int) throws -> [[Float]] {
    let array = try NPZArray(name, in: npz)
    guard array.descriptor == "<f4", array.count >= ((rows.last ?? -1) + 1) * size else {
      throw EvidenceError("\(Evidence.examples), \(name): it is too short")
    }
    var images: [[Float]] = []
    for row in 0..<((rows.last ?? -1) + 1) {
      let image = try array.floats(size)
      if rows.contains(row) { images.append(image) }
    }
    return images
  }

  private static func elements(_ value: JSONValue?) -> [JSONValue] {
    guard case .array(let elements)? = value else { return [] }
    return elements
  }

  private static func texts(_ value: JSONValue?) -> [String] { elements(value).map { $0.string ?? "" } }
}
