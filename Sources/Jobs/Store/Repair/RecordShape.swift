import GRDB

/// What the records of a table look like: by their number of values, their types, and what Temper writes there alone.
struct RecordShape {
  private let columns: [RecordReader.Column]
  /// SQLite leaves out of a record the columns that were added after it was written.
  private let fewest: Int
  private let rules: RecordRules

  /// - Parameter db: a database with the table.
  /// - Returns: `nil` for a table without rules.
  init?(of table: String, _ db: Database) throws {
    guard let rules = RecordRules.all.first(where: { $0.table == table }) else { return nil }
    self.rules = rules
    columns = try RecordReader.columns(of: table, db)
    let needed = try Bool.fetchAll(
      db, sql: "SELECT dflt_value IS NULL AND (\"notnull\" OR pk > 0) FROM pragma_table_info(?) ORDER BY cid", arguments: [table])
    fewest = needed.lastIndex(of: true).map { $0 + 1 } ?? 0
  }

  /// The names of the first columns.
  func names(_ count: Int) -> [String] { columns.prefix(count).map(\.name) }

  func matches(_ values: [DatabaseValue]) throws -> Bool {
    guard (fewest...columns.count).contains(values.count) else { return false }
    var fields: [String: (any DatabaseValueConvertible)?] = [:]
    for (index, column) in columns.enumerated() { fields[column.name] = index < values.count ? values[index] : DatabaseValue.null }
    return try rules.allow(Row(fields), Array(columns.prefix(values.count)))
  }
}
