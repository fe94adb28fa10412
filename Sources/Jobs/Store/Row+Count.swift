import GRDB

extension Row {
  /// A number that only grows from 0. A damaged row may hold any: sums of those that are let through cannot overflow.
  ///
  /// - Parameter id: the resource of the row.
  /// - Throws: `Damaged`.
  func count(_ column: String, of id: String) throws -> Int {
    let count: Int = self[column]
    guard (0...1 << 60).contains(count) else { throw Damaged(id) }
    return count
  }
}
