import Datasets
import Files
import GRDB
import JSON

/// A data set whose packed file is in its place, before the database names it.
package struct NewDataset: Sendable {
  let name: String
  let format: DatasetFormat
  let summary: DatasetSummary
  let file: KeptFile

  func insert(owner: String, _ change: Change) throws -> DatasetRecord {
    let record = DatasetRecord(
      id: Identifier.dataset.make(at: change.now), name: name, format: format, summary: summary, createdAt: change.now, file: file.sha256)
    try change.db.execute(
      sql: "INSERT INTO datasets (id, owner, name, format, summary, file, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        record.id, owner, name, format.rawValue, JSONValue(encoding: summary).serialised(), file.sha256,
        change.now.milliseconds,
      ])
    try Store.named(file, change.db)
    return record
  }
}
