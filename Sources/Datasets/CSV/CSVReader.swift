import Files
import TensorEngine

/// Rows of features with a column `label`, as pandas' `to_csv(index=False)` writes them. It goes through each file twice: first for labels and
/// what kind of numbers there are, then for the features.
struct CSVReader {
  private let limits: DatasetLimits
  private let options: DatasetOptions
  private let writer: PackedWriter

  /// Numbers this far beyond [0, 1] are rounding, and are clamped.
  private static let tolerance = 1e-5

  init(_ limits: DatasetLimits, _ options: DatasetOptions, into writer: PackedWriter) {
    (self.limits, self.options, self.writer) = (limits, options, writer)
  }

  func read(train: OpenFile, test: OpenFile) throws -> PackedParts {
    let tables = (train: try CSVTable(train, check: writer.check), test: try CSVTable(test, check: writer.check))
    guard tables.train.features == tables.test.features else {
      throw DatasetError(
        part: test.title, "the columns are not those of \(train.title): both must have the same features, in the same order")
    }
    let scale = try self.scale(tables.train, tables.test)
    var budget = ByteBudget(limits)
    let classes = try LabelClasses(tables.train.labelValues(beside: tables.test), train.title, limit: limits.classes)
    func part(_ table: CSVTable) throws -> LabelledImages {
      let shape: Shape = [table.features.count]
      _ = try budget.spend([table.labels.count] + shape.dimensions, elementBytes: scale.isBytes ? 1 : 4, part: table.title)
      let array = try features(table, scale)
      let values = table.labelValues(beside: table === tables.train ? tables.test : tables.train)
      let labels = try checked(classes.numbers(values, table.title, beside: train.title), table.title)
      return try LabelledImages(
        ImageArray(title: table.title, count: table.labels.count, shape: shape, array: array), writer.labels(labels, title: table.title))
    }
    return PackedParts(train: try part(tables.train), test: try part(tables.test), classNames: classes.names, notices: scale.notices)
  }

  private func checked(_ labels: [Int], _ title: String) throws -> [Int] {
    if let place = labels.firstIndex(where: { !(0..<limits.classes).contains($0) }) {
      throw DatasetError(part: title, "row \(place + 2): the label is \(labels[place]); a label must be in 0…\(limits.classes - 1)")
    }
    return labels
  }

  private struct Scale {
    let white: Double
    let isBytes: Bool
    var notices: [DatasetNotice] = []
  }

  /// Whole numbers up to 255 are bytes, unless they are all 0 and 1.
  private func scale(_ train: CSVTable, _ test: CSVTable) throws -> Scale {
    if let white = options.scale { return Scale(white: white, isBytes: false) }
    guard train.isWhole, test.isWhole, max(train.highest, test.highest) > 1 else { return Scale(white: 1, isBytes: false) }
    let detail = "All features are whole numbers from 0 to \(Int(max(train.highest, test.highest))); they were divided by 255."
    return Scale(white: 255, isBytes: true, notices: [DatasetNotice("divided_by_255", detail)])
  }

  private func features(_ table: CSVTable, _ scale: Scale) throws -> PackedArray {
    try writer.array(scale.isBytes ? .uint8 : .float32, count: table.labels.count * table.features.count) { append in
      var (bytes, floats): ([UInt8], [Float]) = ([], [])
      try table.forEachFeature { row, name, value in
        if scale.isBytes {
          bytes.append(UInt8(value))
        } else {
          let pixel = value / scale.white
          // A NaN fails both comparisons.
          guard pixel >= -Self.tolerance, pixel <= 1 + Self.tolerance else {
            let advice =
              options.scale == nil
              ? "features must be in [0, 1]; for values from 0 to 255 add scale=255"
              : "with this scale features must be in [0, \(scale.white)]"
            throw DatasetError(part: table.title, "row \(row), column \(name): the value is \(value); \(advice)")
          }
          floats.append(Float(min(max(pixel, 0), 1)))
        }
      } endOfRow: {
        try scale.isBytes ? bytes.withUnsafeBytes(append) : floats.withUnsafeBytes(append)
        bytes.removeAll(keepingCapacity: true)
        floats.removeAll(keepingCapacity: true)
      }
    }
  }
}
