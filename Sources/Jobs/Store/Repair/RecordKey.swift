import GRDB

/// The primary key of a row, in the order in which SQLite keeps rows.
struct RecordKey: Hashable, Comparable {
  let values: [DatabaseValue]

  init(_ values: [DatabaseValue]) { self.values = values }
  init(_ values: (any DatabaseValueConvertible)...) { self.values = values.map(\.databaseValue) }

  static func < (one: RecordKey, other: RecordKey) -> Bool {
    for (mine, theirs) in zip(one.values, other.values) where mine != theirs { return precedes(mine, theirs) }
    return one.values.count < other.values.count
  }

  /// Numbers before texts, texts by their bytes: Swift's own order of strings is another.
  private static func precedes(_ one: DatabaseValue, _ other: DatabaseValue) -> Bool {
    switch (one.storage, other.storage) {
    case (.int64(let one), .int64(let other)): one < other
    case (.string(let one), .string(let other)): one.utf8.lexicographicallyPrecedes(other.utf8)
    case (.int64, .string): true
    default: false
    }
  }
}
