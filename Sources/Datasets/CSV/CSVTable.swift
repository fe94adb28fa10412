import Files

/// A CSV file of features and labels: what the first way through it finds.
final class CSVTable {
  /// The names of the columns without the label's.
  let features: [String]
  /// As they stand there.
  private(set) var labels: [String] = []
  /// Whether every feature is a whole number from 0 to 255, and the highest.
  private(set) var isWhole = true
  private(set) var highest = 0.0
  private let rows: CSVRows
  private let labelColumn: Int
  private let columns: [String]

  static let labelName = "label"

  init(_ file: OpenFile, check: () throws -> Void) throws {
    rows = CSVRows(file: file)
    let columns = try Self.columns(rows)
    self.columns = columns
    guard let labelColumn = columns.firstIndex(of: Self.labelName) else {
      throw DatasetError(
        part: file.title,
        "the first row names no column \(Self.labelName); it must name all columns, one of them \(Self.labelName), and begins with \(columns.prefix(3).joined(separator: ","))"
      )
    }
    self.labelColumn = labelColumn
    features = columns.enumerated().filter { $0.offset != labelColumn }.map(\.element)
    guard !features.isEmpty else { throw DatasetError(part: file.title, "there is no column beside \(Self.labelName)") }
    try survey(check)
    guard !labels.isEmpty else { throw DatasetError(part: file.title, "there is no row below the names of the columns") }
  }

  var title: String { rows.file.title }

  private struct FirstRow: Error { let columns: [String] }

  private static func columns(_ rows: CSVRows) throws -> [String] {
    do {
      try rows.forEach { _, row in throw FirstRow(columns: (0..<row.count).map { trimmed(row.text($0)) }) }
    } catch let first as FirstRow {
      return first.columns
    }
    throw DatasetError(part: rows.file.title, "the file is empty")
  }

  /// Without blanks, and without the mark that some programs put at a file's front.
  private static func trimmed(_ name: String) -> String {
    let text = name.hasPrefix("\u{FEFF}") ? name.dropFirst() : Substring(name)
    return String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
  }

  private func survey(_ check: () throws -> Void) throws {
    try forEachRow { number, row in
      if number % 1_024 == 0 { try check() }
      let label = Self.trimmed(row.text(labelColumn))
      guard !label.isEmpty else { throw DatasetError(part: title, "row \(number) has no label") }
      labels.append(label)
      for place in 0..<row.count where place != labelColumn {
        let value = try self.number(row, place, of: number)
        highest = max(highest, value)
        isWhole = isWhole && value >= 0 && value <= 255 && value == value.rounded()
      }
    }
  }

  /// Passes each feature to `take`, with the number of its row and the name of its column.
  func forEachFeature(_ take: (Int, String, Double) throws -> Void, endOfRow: () throws -> Void) throws {
    try forEachRow { number, row in
      for place in 0..<row.count where place != labelColumn { try take(number, columns[place], self.number(row, place, of: number)) }
      try endOfRow()
    }
  }

  private func forEachRow(_ take: (Int, CSVRow) throws -> Void) throws {
    try rows.forEach { number, row in
      guard number > 1 else { return }
      guard row.count == columns.count else {
        throw DatasetError(part: title, "row \(number) has \(row.count) fields; there are \(columns.count) columns")
      }
      try take(number, row)
    }
  }

  private func number(_ row: CSVRow, _ place: Int, of number: Int) throws -> Double {
    let text = row[place]
    // The usual case: the digits of a byte.
    if (1...3).contains(text.count), text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
      return Double(text.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) })
    }
    guard let value = Double(Self.trimmed(row.text(place))), value.isFinite else {
      throw DatasetError(part: title, "row \(number), column \(columns[place]): \"\(row.text(place).prefix(60))\" is no finite number")
    }
    return value
  }

  /// Numbers where the labels of both files are whole numbers, else names.
  func labelValues(beside other: CSVTable) -> LabelValues {
    guard let numbers, other.numbers != nil else { return .names(labels) }
    return .numbers(numbers)
  }

  private var numbers: [Int]? {
    var numbers: [Int] = []
    for label in labels {
      guard let value = Double(label), let number = Int(exactly: value) else { return nil }
      numbers.append(number)
    }
    return numbers
  }
}
