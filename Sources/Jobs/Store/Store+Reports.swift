import Files
import Foundation

extension Store {
  /// The report of a job in JSON; `nil` as long as it has none.
  ///
  /// - Throws: `NotFound`, `Damaged`.
  package func report(of id: String) throws -> Data? {
    guard let sha256 = try job(id).report else { return nil }
    try requireWhole(despite: database.read { db in try Self.mark(of: sha256, db) }, of: id, part: "report")
    var data = Data()
    try open(sha256, of: id, part: "report").forEachPiece { data.append(contentsOf: $0) }
    return data
  }

  /// The evidence of a job; `nil` as long as it has none.
  ///
  /// - Throws: `NotFound`, `Damaged`.
  package func openEvidence(of id: String) throws -> (sha256: String, file: OpenFile)? {
    guard let sha256 = try job(id).evidence else { return nil }
    try requireWhole(despite: database.read { db in try Self.mark(of: sha256, db) }, of: id, part: "evidence")
    return (sha256, try open(sha256, of: id, part: "evidence"))
  }
}
