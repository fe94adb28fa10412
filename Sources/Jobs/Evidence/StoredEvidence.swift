import Datasets
import Files
import Foundation
import JSON
import Robustness

/// The two members of an evidence that Temper wrote itself, without unpacking anything. What others may have made is for `EvidenceFile`.
struct StoredEvidence {
  let description: JSONValue
  /// The examples, a file within the archive.
  let examples: OpenFile

  /// - Throws: `EvidenceError`, `ArchiveError`, `JSONSyntaxError`.
  init(_ file: OpenFile) throws {
    let tar = try TarArchive(file)
    var description: JSONValue?
    while let (name, _) = try tar.nextEntry() {
      if name == Evidence.description {
        var data = Data()
        try tar.forEachPiece { data.append(contentsOf: $0) }
        description = try JSONValue(parsing: Array(data))
      } else if name == Evidence.examples, let description {
        self.description = description
        examples = try tar.contentFile(title: Evidence.examples)
        return
      }
    }
    throw EvidenceError("the archive lacks \(description == nil ? Evidence.description : Evidence.examples)")
  }

  /// The labels of the attacks, in order.
  var attacks: [String] {
    guard case .array(let attacks)? = description["attacks"] else { return [] }
    return attacks.map { $0["label"]?.string ?? "" }
  }

  /// What became of each example that was evaluated.
  func outcomes() throws -> ExampleOutcomes {
    let ids = try NPZArray("evaluated_ids", in: examples).integers()
    let clean = try NPZArray("evaluated_clean", in: examples).booleans()
    let withstood = try NPZArray("evaluated_withstood", in: examples).booleans()
    guard clean.count == ids.count, withstood.count == attacks.count * ids.count else {
      throw EvidenceError("the columns of \(Evidence.examples) are not of one length")
    }
    return ExampleOutcomes(
      ids: ids, clean: clean, attacks: attacks.indices.map { Array(withstood[$0 * ids.count..<($0 + 1) * ids.count]) })
  }
}
