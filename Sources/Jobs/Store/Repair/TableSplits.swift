import GRDB

/// Keys at which the reading of a damaged table is begun anew, so that what lies between two bad pages is found.
struct TableSplits {
  /// In order.
  private var keys: [RecordKey] = []
  /// The rows of a table with row ids are numbered from 1: all numbers up to this one are tried. `nil` where they are too many, as in the
  /// order of the events, whose numbers are times.
  private var lastNumber: Int64?

  /// All of what an index names.
  init(_ known: Set<RecordKey>) { keys = known.sorted() }

  /// Of a table of which nothing is known.
  ///
  /// - Parameters:
  ///   - key: the columns of its primary key.
  ///   - known: what indexes name of it.
  ///   - jobs: the jobs that were read.
  ///   - pages: of the database.
  init(key: [String], known: Set<RecordKey>, jobs: [String], pages: Int) {
    var all = known
    switch key {
    case ["rowid"]:
      // The smallest row, of `checkpoints`, takes some 100 bytes of a page.
      let named = known.compactMap { Int64.fromDatabaseValue($0.values[0]) }
      let (last, fewest) = (named.max() ?? 0, Int64(pages) * 64)
      if last <= max(fewest, Self.mostNumbers) { lastNumber = max(last, fewest) }
    case ["job", "resource"]: all.formUnion(jobs.map { RecordKey($0, "") })
    case _ where key.first == "job": all.formUnion(jobs.flatMap { job in Self.numbers.map { RecordKey(job, $0) } })
    case _ where key.first == "sha256":
      let rest = key.dropFirst().map { _ in "".databaseValue }
      for number in 4_096..<8_192 {
        let digits = String(String(number, radix: 16).dropFirst())
        all.insert(RecordKey([digits.databaseValue] + rest))
      }
    default: break
    }
    keys = all.sorted()
  }

  private static let mostNumbers: Int64 = 1 << 20

  /// The first numbers, then each an eighth above the one before: a week of epochs in some hundred steps.
  private static let numbers: [Int64] = {
    var numbers: [Int64] = [0]
    while let last = numbers.last, last < 10_000_000 { numbers.append(last + max(1, last / 8)) }
    return numbers
  }()

  /// - Returns: `nil` when there is none between the two.
  func middle(after low: RecordKey?, before high: RecordKey?) -> RecordKey? {
    if let lastNumber {
      let low = low.flatMap { Int64.fromDatabaseValue($0.values[0]) } ?? 0
      let high = high.flatMap { Int64.fromDatabaseValue($0.values[0]) } ?? lastNumber + 1
      let (distance, isTooFar) = high.subtractingReportingOverflow(low)
      return !isTooFar && distance > 1 ? RecordKey(low + distance / 2) : nil
    }
    let first = low.map { low in firstIndex { $0 > low } } ?? 0
    let end = high.map { high in firstIndex { $0 >= high } } ?? keys.count
    return first < end ? keys[first + (end - first) / 2] : nil
  }

  /// The first key for which a condition holds, which then holds for all behind it.
  private func firstIndex(_ holds: (RecordKey) -> Bool) -> Int {
    var (low, high) = (0, keys.count)
    while low < high {
      let middle = low + (high - low) / 2
      if holds(keys[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
