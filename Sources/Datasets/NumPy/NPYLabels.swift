/// The labels of an array: classes by number or by name, or one-hot rows.
extension LabelValues {
  /// - Throws: `DatasetError` for what is no label, with its position.
  init(_ body: NPYBody, classes: Int) throws {
    let (dimensions, part) = (body.header.dimensions, body.reader.part)
    guard dimensions.count == 1 || dimensions.count == 2 else {
      throw DatasetError(
        part: part,
        "the array of labels is [\(dimensions.map(String.init).joined(separator: ", "))]; it must be [n], a class each, or one-hot [n, classes]"
      )
    }
    let isOneHot = dimensions.count == 2 && dimensions[1] > 1
    guard body.element.isNumber else {
      guard !isOneHot else { throw body.header.refusal(part, wanted: "numbers where rows are one-hot") }
      self = .names(try Self.names(body))
      return
    }
    self = .numbers(isOneHot ? try Self.ofRows(body, dimensions[1], classes) : try Self.numbers(body, classes))
  }

  private static func names(_ body: NPYBody) throws -> [String] {
    var names: [String] = []
    try body.forEachPiece(of: "labels") { names += body.element.texts($0) }
    if let empty = names.firstIndex(of: "") {
      throw DatasetError(part: body.reader.part, "label \(empty) is an empty text; it must name a class")
    }
    return names
  }

  private static func numbers(_ body: NPYBody, _ classes: Int) throws -> [Int] {
    var labels: [Int] = []
    try body.forEachPiece(of: "labels") { piece in
      for value in body.element.numbers(piece) {
        guard let label = Int(exactly: value), (0..<classes).contains(label) else {
          throw DatasetError(
            part: body.reader.part, offset: body.header.isInFortranOrder ? nil : body.start + labels.count * body.element.width,
            "label \(labels.count) is \(described(value, body.element)); a label must be in 0…\(classes - 1)")
        }
        labels.append(label)
      }
    }
    return labels
  }

  private static func described(_ value: Double, _ element: NPYElement) -> String {
    guard element.kind != .float else { return "\(value)" }
    return value == Double(UInt64.max) ? "\(UInt64.max)" : Int(exactly: value).map(String.init) ?? "\(value)"
  }

  /// The place of the one in each row of zeros.
  private static func ofRows(_ body: NPYBody, _ width: Int, _ classes: Int) throws -> [Int] {
    guard width <= classes else {
      throw DatasetError(part: body.reader.part, "the rows have \(width) entries; there can be at most \(classes) classes")
    }
    var (labels, row): ([Int], [Double]) = ([], [])
    try body.forEachPiece(of: "labels") { piece in
      for value in body.element.numbers(piece) {
        row.append(value)
        guard row.count == width else { continue }
        guard let one = row.firstIndex(of: 1), row.count(where: { $0 == 0 }) == width - 1 else {
          throw DatasetError(
            part: body.reader.part, "row \(labels.count) of the labels is not one-hot; it must have a single 1, and zeros else")
        }
        labels.append(one)
        row.removeAll(keepingCapacity: true)
      }
    }
    return labels
  }
}
