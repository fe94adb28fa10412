import GRDB

/// What the records of a table look like: by their number of values, their types, and what Temper writes there alone.
struct RecordShape {
  private let table: String
  private let db: Database
  private let columns: [RecordReader.Column]
  /// SQLite leaves out of a record the columns that were added after it was written.
  private let fewest: Int
  private let rules: RecordRules

  /// - Parameter db: a database with the table, and with what was found of those before it.
  /// - Returns: `nil` for a table without rules.
  init?(of table: String, _ db: Database) throws {
    guard let rules = RecordRules.all.first(where: { $0.table == table }) else { return nil }
    self.rules = rules
    self.table = table
    self.db = db
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
    let row = Row(fields)
    return try rules.allow(row, Array(columns.prefix(values.count))) && isOwn(row)
  }

  /// Whether a record cannot be one of another table, or an entry of an index: those are their columns and the number or the key of a row.
  private func isOwn(_ row: Row) throws -> Bool {
    switch table {
    // Every index of digests has such entries. The sizes are looked up again.
    case "files": return false
    // Every index of texts has such entries, of ids, digests and names of migrations.
    case "turns":
      let known = "SELECT EXISTS (SELECT 1 FROM jobs WHERE owner = :owner UNION ALL SELECT 1 FROM tokens WHERE owner = :owner)"
      return try Token.isOwner(row["owner"]) && Bool.fetchOne(db, sql: known, arguments: ["owner": row["owner"] as String]) == true
    // The index of the resources has the two the other way round.
    case "uses":
      guard Identifier.job.matches(row["resource"]) else { return true }
      let known = "SELECT EXISTS (SELECT 1 FROM jobs WHERE id = ? AND follows = ?)"
      return try Bool.fetchOne(db, sql: known, arguments: [row["job"] as String, row["resource"] as String]) == true
    default: return true
    }
  }
}
