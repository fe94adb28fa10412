import GRDB

/// Whose tables a database has, and which are missing.
extension Schema {
  /// Whether a database that has tables is one of Temper's, of whatever version. One with the notes of GRDB's migrations alone may be that
  /// of any program.
  static func isOwn(_ db: Database) throws -> Bool {
    let tables = try columns(db)
    if ["jobs", "transitions", "checkpoints"].allSatisfy({ tables[$0] != nil }) { return true }
    guard try db.tableExists("grdb_migrations") else { return false }
    let migrator = Schema.migrator
    return try !migrator.appliedIdentifiers(db).isDisjoint(with: migrator.migrations)
  }

  /// The columns of each table; `schema` is the name that an attached database has.
  static func columns(_ db: Database, of schema: String = "main") throws -> [String: Set<String>] {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT tables.name AS name, columns.name AS part FROM \(schema).sqlite_master AS tables
        JOIN pragma_table_info(tables.name, '\(schema)') AS columns
        WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite@_%' ESCAPE '@' AND tables.name NOT LIKE 'grdb@_%' ESCAPE '@'
        """)
    return rows.reduce(into: [:]) { tables, row in tables[row["name"], default: []].insert(row["part"] as String) }
  }

  /// What a database that was brought forward still lacks, as phrases.
  static func missing(_ db: Database) throws -> [String] {
    let present = try columns(db)
    var missing: [String] = []
    for (table, columns) in try columns(afterMigration: nil).sorted(by: { $0.key < $1.key }) {
      if let found = present[table] {
        missing += columns.subtracting(found).sorted().map { "the table \(table) has no column \($0)" }
      } else {
        missing.append("the table \(table) is missing")
      }
    }
    return missing
  }

  /// The migration after which most tables are as these are: what a database is, whatever its notes of migrations say.
  static func version(of tables: [String: Set<String>]) throws -> String? {
    var (best, most) = (String?.none, -1)
    for version in migrator.migrations {
      let alike = try columns(afterMigration: version).filter { tables[$0.key] == $0.value }.count
      if alike >= most { (best, most) = (version, alike) }
    }
    return best
  }

  /// Of a new database, brought forward to a version; `nil` for the latest.
  private static func columns(afterMigration version: String?) throws -> [String: Set<String>] {
    let queue = try DatabaseQueue()
    if let version { try migrator.migrate(queue, upTo: version) } else { try migrator.migrate(queue) }
    return try queue.read { db in try columns(db) }
  }
}
