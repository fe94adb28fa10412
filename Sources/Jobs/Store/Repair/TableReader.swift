import GRDB

/// Reads a table of a damaged database around the pages that cannot be read: from both ends to the first that fails, then from the middle
/// of what is left between, until nothing is left that could be told apart.
final class TableReader {
  /// Between two keys; each was read, or was tried in vain.
  private struct Gap {
    var after: RecordKey?
    var before: RecordKey?
    var isAfterRead = true
    var isBeforeRead = true
  }

  /// How far a scan came.
  private struct Reach {
    var last: RecordKey?
    var isWhole = true
  }

  let table: String
  /// The columns of its primary key, or `rowid`.
  let key: [String]
  let columns: [String]
  private let db: Database
  /// What becomes of a row's values, in the order of `columns`.
  private let take: ([DatabaseValue]) throws -> Void
  private var gaps: [Gap] = []

  /// - Parameter db: has the damaged database attached as `old`.
  init(_ table: String, key: [String], columns: [String], _ db: Database, take: @escaping ([DatabaseValue]) throws -> Void) {
    self.table = table
    self.key = key
    self.columns = columns
    self.db = db
    self.take = take
  }

  /// Reads all that can be read.
  ///
  /// - Parameter middle: a key between two others, `nil` when there is none that is worth a try.
  /// - Returns: how many stretches of unread rows are left.
  /// - Throws: any error but damage.
  func read(middle: (RecordKey?, RecordKey?) throws -> RecordKey?) throws -> Int {
    let up = try scan(Gap(), descending: false)
    guard !up.isWhole else { return 0 }
    let down = try scan(Gap(after: up.last), descending: true)
    guard !down.isWhole else { return 1 }
    try fill(Gap(after: up.last, before: down.last), middle)
    return stretches
  }

  private func fill(_ gap: Gap, _ middle: (RecordKey?, RecordKey?) throws -> RecordKey?) throws {
    guard let split = try middle(gap.after, gap.before) else { return gaps.append(gap) }
    var (lower, upper) = (gap, gap)
    (lower.before, lower.isBeforeRead, upper.after, upper.isAfterRead) = (split, false, split, false)
    let down = try scan(lower, descending: true)
    if let last = down.last { (lower.before, lower.isBeforeRead) = (last, true) }
    if !down.isWhole { try fill(lower, middle) }
    let up = try scan(upper, descending: false, fromFirst: true)
    if let last = up.last { (upper.after, upper.isAfterRead) = (last, true) }
    if !up.isWhole { try fill(upper, middle) }
  }

  /// Gaps that meet at a key that was not read are one.
  private var stretches: Int {
    zip(gaps, gaps.dropFirst()).filter { $0.before != $1.after || $0.isBeforeRead || $1.isAfterRead }.count + (gaps.isEmpty ? 0 : 1)
  }

  /// - Parameter fromFirst: whether the lower bound itself is to be read.
  private func scan(_ gap: Gap, descending: Bool, fromFirst: Bool = false) throws -> Reach {
    var (clauses, arguments): ([String], [DatabaseValue]) = ([], [])
    for (bound, sign) in [(gap.after, fromFirst ? ">=" : ">"), (gap.before, "<")] {
      guard let bound else { continue }
      let marks = bound.values.map { _ in "?" }.joined(separator: ", ")
      clauses.append("(\(key.joined(separator: ", "))) \(sign) (\(marks))")
      arguments += bound.values
    }
    let filter = clauses.isEmpty ? "" : "WHERE " + clauses.joined(separator: " AND ")
    let order = key.map { $0 + (descending ? " DESC" : "") }.joined(separator: ", ")
    return try collect(
      """
      SELECT \((key + columns).joined(separator: ", ")) FROM old.\(table) NOT INDEXED \(filter) ORDER BY \(order)
      """, arguments
    ) { try take(Array($0.dropFirst(key.count))) }
  }

  private func collect(_ sql: String, _ arguments: [DatabaseValue] = [], _ body: ([DatabaseValue]) throws -> Void) throws -> Reach {
    var reach = Reach()
    func next<Value>(_ step: () throws -> Value?) throws -> Value? {
      do { return try step() } catch let error as DatabaseError where error.isDamage {
        reach.isWhole = false
        return nil
      }
    }
    guard let rows = try next({ try Row.fetchCursor(db, sql: sql, arguments: StatementArguments(arguments)) }) else { return reach }
    while let values = try next({ try rows.next().map { Array($0.databaseValues) } }) {
      try body(values)
      reach.last = RecordKey(Array(values.prefix(key.count)))
    }
    return reach
  }

  // MARK: What indexes know

  /// The keys that an index of the table names, whether or not their rows can be read.
  func keys(in index: String, orderedBy column: String) throws -> (found: Set<RecordKey>, isWhole: Bool) {
    var found: Set<RecordKey> = []
    for order in ["", " DESC"] {
      let reach = try collect(
        "SELECT \(key.joined(separator: ", ")) FROM old.\(table) INDEXED BY \"\(index)\" ORDER BY \(column)\(order)"
      ) { found.insert(RecordKey($0)) }
      if reach.isWhole { return (found, true) }
    }
    return (found, false)
  }
}
