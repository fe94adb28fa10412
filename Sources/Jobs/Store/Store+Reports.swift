import Foundation

extension Store {
  /// The report of a job in JSON; `nil` as long as it has none.
  ///
  /// - Throws: `NotFound`, `Damaged`.
  package func report(of id: String) throws -> Data? {
    guard let sha256 = try job(id).report else { return nil }
    try database.read { db in try Self.requireNotMarkedDamaged(sha256, of: id, part: "report", db) }
    var data = Data()
    try open(sha256, of: id, part: "report").forEachPiece { data.append(contentsOf: $0) }
    return data
  }
}
