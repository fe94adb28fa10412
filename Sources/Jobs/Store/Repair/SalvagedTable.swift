import JSON

/// What was kept of a table of a damaged database.
package struct SalvagedTable: Hashable, Sendable {
  package let name: String
  package internal(set) var kept = 0
  /// Rows that are known to be lost; where `isExact` is false there may be more.
  package internal(set) var lost = 0
  package internal(set) var isExact = true

  package var json: JSONValue {
    ["table": .string(name), "kept": .int(Int64(kept)), "lost": .int(Int64(lost)), "exact": .bool(isExact)]
  }

  package var description: String { "\(name): \(kept) kept" + (loss.map { ", \($0)" } ?? "") }

  /// Whether all of its records are known to be there.
  package var isWhole: Bool { lost == 0 && isExact }

  /// `nil` for a table that is whole.
  private var loss: String? {
    if isWhole { return nil }
    if kept == 0 { return isExact ? "all \(lost) lost" : "all lost that there were" }
    if lost == 0 { return "perhaps not all" }
    return "\(isExact ? "" : "at least ")\(lost) lost"
  }

  /// What is to be said of the loss; `nil` for a table that is whole.
  var sentence: String? {
    if isWhole { return nil }
    if kept == 0 { return isExact ? "all of its \(lost) records are lost" : "all of its records are lost, if it had any" }
    if lost == 0 { return "its records were looked for page by page: \(kept) were found, and whether there were more is not known" }
    return "\(isExact ? "" : "at least ")\(lost) of its records could not be read and are lost"
  }
}
