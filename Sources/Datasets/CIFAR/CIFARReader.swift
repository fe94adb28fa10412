import Files
import TensorEngine

/// The batches of CIFAR-10 and CIFAR-100 (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009): 32 × 32 pixels, first
/// all of red, then of green, then of blue. A binary record is the label of CIFAR-10, or the coarse and the fine label of CIFAR-100, and the
/// pixels; of CIFAR-100 the fine label counts.
struct CIFARReader {
  private static let side = 32
  static let pixels = 3 * side * side
  private let writer: PackedWriter
  private var budget: ByteBudget

  init(_ limits: DatasetLimits, into writer: PackedWriter) {
    self.writer = writer
    budget = ByteBudget(limits)
  }

  /// - Parameter names: a text with the name of each class on a line of its own.
  consuming func read(train: [OpenFile], test: [OpenFile], names: OpenFile?) throws -> PackedParts {
    let batches = try (train: train.map(CIFARBatch.init), test: test.map(CIFARBatch.init))
    let width = try CIFARBatch.recordWidth(batches.train + batches.test)
    let trainPart = try part("train", batches.train, width)
    let testPart = try part("test", batches.test, width)
    let classes = trainPart.labels.tally.perClass.count
    return PackedParts(train: trainPart, test: testPart, classNames: try names.map { try Self.names($0, classes) })
  }

  private mutating func part(_ title: String, _ batches: [CIFARBatch], _ width: Int) throws -> LabelledImages {
    let count = batches.reduce(0) { $0 + $1.count(width) }
    _ = try budget.spend([max(count, 1), Self.side, Self.side, 3], elementBytes: 1, part: title)
    var labels: [Int] = []
    labels.reserveCapacity(count)
    let array = try writer.array(.uint8, count: count * Self.pixels) { append in
      var interleaved = [UInt8](repeating: 0, count: Self.pixels)
      for batch in batches {
        try batch.forEachRecord(width) { label, planes in
          labels.append(label)
          Self.interleave(planes, &interleaved)
          try interleaved.withUnsafeBytes(append)
        }
      }
    }
    let images = ImageArray(title: title, count: count, shape: [Self.side, Self.side, 3], array: array)
    return try LabelledImages(images, writer.labels(labels, title: title))
  }

  private static func interleave(_ planes: UnsafeRawBufferPointer, _ pixels: inout [UInt8]) {
    let plane = side * side
    for place in 0..<plane {
      for channel in 0..<3 { pixels[3 * place + channel] = planes[channel * plane + place] }
    }
  }

  private static let longestNames = 1 << 20

  private static func names(_ file: OpenFile, _ classes: Int) throws -> [String] {
    guard file.size <= longestNames else {
      throw DatasetError(part: file.title, "the names of the classes have more than \(longestNames) bytes")
    }
    var bytes: [UInt8] = []
    try file.forEachPiece { bytes += $0 }
    let names = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init).filter { !$0.isEmpty }
    guard names.count == classes else {
      throw DatasetError(part: file.title, "there are \(names.count) names, one on each line, for \(classes) classes")
    }
    return names
  }
}
