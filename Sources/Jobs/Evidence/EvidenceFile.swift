import Attacks
import Datasets
import Files
import Foundation
import Glibc
import JSON
import Robustness
import TensorEngine

/// Why a file is no evidence that can be replayed, as a sentence without its end.
package struct EvidenceError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}

/// An evidence as it is read from a file that anyone may have made.
struct EvidenceFile {
  let modelSHA256: String
  let dataset: DatasetFacts
  let datasetID: String?
  let datasetSHA256: String
  let spec: JobSpec
  let threat: Threat
  let attacks: [(label: String, parts: [String])]
  /// What the description says beside its spec and its arrays, as a name and a value each: what it says must follow from those.
  let statements: [(name: String, value: JSONValue?)]
  /// The digest of the examples, as the description gives it and as it is.
  let examplesSHA256: (given: String, found: String)
  let examples: EvidenceExamples

  struct DatasetFacts {
    let shape: Shape
    let classNames: [String]
  }

  /// The most bytes of the description: a spec and little more.
  private static let longestDescription = 64 << 20

  init(_ url: URL) throws {
    do {
      let (description, npz, sha256) = try Self.members(of: OpenFile(url))
      try self.init(JSONValue(parsing: Array(description)), npz, sha256)
    } catch let error as ArchiveError {
      throw EvidenceError(error.description)
    } catch let error as DatasetError {
      throw EvidenceError("\(Evidence.examples), \(error)")
    } catch let error as JSONSyntaxError {
      throw EvidenceError("\(Evidence.description) is not JSON: line \(error.line): \(error.message)")
    }
  }

  /// The description, and the examples as an unnamed file, whose arrays can be read side by side.
  private static func members(of file: OpenFile) throws -> (description: Data, npz: OpenFile, sha256: String) {
    let tar = try TarArchive(file)
    var description: Data?
    var npz: (file: OpenFile, sha256: String)?
    while let (name, bytes) = try tar.nextEntry() {
      switch name {
      case Evidence.description:
        guard description == nil else { throw EvidenceError("the archive has \(name) twice; it must be there once") }
        guard bytes <= longestDescription else {
          throw EvidenceError("\(name) has \(bytes) bytes; it must be within \(longestDescription)")
        }
        var data = Data()
        try tar.forEachPiece { data.append(contentsOf: $0) }
        description = data
      case Evidence.examples:
        guard npz == nil else { throw EvidenceError("the archive has \(name) twice; it must be there once") }
        npz = try unnamed(tar)
      default: continue
      }
    }
    if let description, npz == nil, (try? JSONValue(parsing: Array(description)))?["format"]?.string == GeneratedImagesWriter.format {
      throw EvidenceError("this is of a job of kind generate: a data set, and no evaluation that could be replayed")
    }
    guard let description, let npz else {
      let cut = try tar.hasEnd ? "" : ", and it does not end as an archive does: it was cut off"
      throw EvidenceError("the archive lacks \(description == nil ? Evidence.description : Evidence.examples)\(cut)")
    }
    return (description, npz.file, npz.sha256)
  }

  private static func unnamed(_ tar: TarArchive) throws -> (OpenFile, String) {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("temper-\(UUID().uuidString)")
    let copy = try NewFile(url, title: Evidence.examples)
    try tar.forEachPiece { try copy.append($0) }
    // `copy` removes its name when it goes; an open file stays readable.
    return try withExtendedLifetime(copy) { (try OpenFile(url, title: Evidence.examples), copy.sha256) }
  }

  private init(_ document: JSONValue, _ npz: OpenFile, _ sha256: String) throws {
    guard document["format"]?.string == Evidence.format else {
      throw EvidenceError("\(Evidence.description) is of no evidence of Temper: its format must be \"\(Evidence.format)\"")
    }
    guard document["version"]?.integer == Evidence.version else {
      let version = document["version"]?.serialised().prefix(20) ?? "none"
      throw EvidenceError("\(Evidence.description) has the version \(version) of the format; this temper reads version \(Evidence.version)")
    }
    func text(_ value: JSONValue?, _ name: String) throws -> String {
      guard let text = value?.string else { throw EvidenceError("\(Evidence.description) lacks \(name)") }
      return text
    }
    modelSHA256 = try text(document["model"]?["sha256"], "model.sha256")
    datasetID = document["dataset"]?["id"]?.string
    datasetSHA256 = try text(document["dataset"]?["sha256"], "dataset.sha256")
    dataset = try Self.facts(document["dataset"])
    spec = try Self.spec(document["spec"])
    threat = spec.threat
    guard document["threat"]?["norm"]?.string == threat.norm.rawValue, document["threat"]?["epsilon"]?.double == threat.epsilon else {
      throw EvidenceError(
        "\(Evidence.description) gives another threat than its spec, which has \(threat.norm.rawValue) of \(threat.epsilon)")
    }
    attacks = try Self.elements(document["attacks"]).map { attack in
      (try text(attack["label"], "an attack's label"), try Self.elements(attack["parts"]).map { try text($0["label"], "a part's label") })
    }
    let counts = ["evaluated", "correct", "withstood", "misclassified"].map { ("examples.\($0)", document["examples"]?[$0]) }
    statements = counts + [("seed", document["seed"]), ("attacks", document["attacks"])]
    let member = document["members"]?[Evidence.examples]
    examplesSHA256 = (try text(member?["sha256"], "members.\(Evidence.examples).sha256"), sha256)
    examples = try EvidenceExamples(npz, shape: dataset.shape, classes: dataset.classNames.count, attacks: attacks.count)
  }

  private static func elements(_ value: JSONValue?) throws -> [JSONValue] {
    guard case .array(let elements) = value else { throw EvidenceError("\(Evidence.description) lacks its attacks or their parts") }
    return elements
  }

  private static func facts(_ document: JSONValue?) throws -> DatasetFacts {
    guard case .array(let shape) = document?["shape"], case .array(let classes) = document?["classes"] else {
      throw EvidenceError("\(Evidence.description) lacks dataset.shape or dataset.classes")
    }
    let dimensions = shape.compactMap(\.integer)
    // The product stays far below what overflows; what the file holds of it is checked by its arrays.
    guard [1, 3].contains(shape.count), dimensions.count == shape.count, dimensions.allSatisfy({ (1...1_000_000).contains($0) }) else {
      throw EvidenceError(
        "dataset.shape of \(Evidence.description) is no shape of images: it must be [height, width, channels] or [features]")
    }
    let names = classes.compactMap(\.string)
    guard (2...65_536).contains(classes.count), names.count == classes.count else {
      throw EvidenceError("dataset.classes of \(Evidence.description) are not from 2 to 65536 names")
    }
    return DatasetFacts(shape: Shape(dimensions), classNames: names)
  }

  private static func spec(_ document: JSONValue?) throws -> JobSpec {
    do {
      return try JobSpec(reading: document ?? .null, origin: .commandLine)
    } catch {
      throw EvidenceError("its spec is none that this version can read: \(error)")
    }
  }
}
